-- Records new chunks and the batches that carry tasks to the workers. This comes before the batches are queued, so
-- that a batch that never reached the queue is known and can be queued again.
-- KEYS: job, chunks, batches, waiting
-- ARGV: epoch, how long keys live (s), cursor (JSON, or '' to keep), split ('open' or 'done', or '' to keep),
--       how many bytes the input has (or '' to keep), number of chunks, (chunk id, JSON)..., number of batches,
--       (batch id, JSON)...
-- Returns: 1 recorded, 0 another master has taken over or the job has ended.
local job = redis.call('HMGET', KEYS[1], 'epoch', 'state')
if job[1] ~= ARGV[1] or (job[2] ~= 'mapping' and job[2] ~= 'reducing') then
  return 0
end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'cursor', ARGV[3])
end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'split', ARGV[4])
end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], 'bytes', ARGV[5])
end
local at = 7
for _ = 1, tonumber(ARGV[6]) do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
  at = at + 2
end
local batches = tonumber(ARGV[at])
at = at + 1
for _ = 1, batches do
  redis.call('HSET', KEYS[3], ARGV[at], ARGV[at + 1])
  for _, task in ipairs(cjson.decode(ARGV[at + 1])['tasks']) do
    redis.call('ZREM', KEYS[4], task[1])
  end
  at = at + 2
end
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('EXPIRE', KEYS[3], ARGV[2])
return 1
