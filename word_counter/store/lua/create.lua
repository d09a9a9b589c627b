-- Makes a job, unless one of its name exists. A repeated call gets the same answer.
-- KEYS: job, sources, side files
-- ARGV: how long its keys live while it runs (s), number of job fields, who makes it, number of side files, the fields
--       (name, value)..., the side files (name, content)..., sources (JSON)...
-- Returns: 1 made, 0 the name is taken.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.call('HGET', KEYS[1], 'made_by') == ARGV[3] and 1 or 0
end
local fields = tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'made_by', ARGV[3])
local files_at = 5 + 2 * fields
local sources_at = files_at + 2 * tonumber(ARGV[4])
for i = 5, files_at - 1, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
for i = files_at, sources_at - 1, 2 do
  redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'created', now[1] * 1000 + math.floor(now[2] / 1000))
for i = sources_at, #ARGV do
  redis.call('HSET', KEYS[2], i - sources_at, ARGV[i])
end
for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ARGV[1])
end
return 1
