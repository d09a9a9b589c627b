-- Makes a job, unless one of its name is there. Asking twice is answered alike.
-- KEYS: job, sources
-- ARGV: how long its keys live while it runs (s), number of job fields, who makes it, the fields (name, value)...,
--       sources (JSON)...
-- Returns: 1 made, 0 the name is taken.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.call('HGET', KEYS[1], 'made_by') == ARGV[3] and 1 or 0
end
local fields = tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'made_by', ARGV[3])
for i = 4, 3 + 2 * fields, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'created', now[1] * 1000 + math.floor(now[2] / 1000))
for i = 4 + 2 * fields, #ARGV do
  redis.call('HSET', KEYS[2], i - 4 - 2 * fields, ARGV[i])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return 1
