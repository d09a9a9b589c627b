-- Goes from the reduce tasks of one phase to the map tasks of the next, once every partition of it is reduced.
-- KEYS: job, receipts of reduce tasks, then what is not needed any more: the partials of this phase, and the results
--       of the one before it
-- ARGV: epoch, the phase that is reduced (from 0), partitions of each phase, cursor (JSON) at the start of the next,
--       first chunks of all phases (JSON)
-- Returns: 1 done, 0 a partition is not reduced, or another master has taken over.
local job = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'phase')
if job[1] ~= ARGV[1] or job[2] ~= 'reducing' or job[3] ~= ARGV[2] then
  return 0
end
if redis.call('HLEN', KEYS[2]) ~= (tonumber(ARGV[2]) + 1) * tonumber(ARGV[3]) then
  return 0
end
for key = 3, #KEYS do
  redis.call('UNLINK', KEYS[key])
end
redis.call('HSET', KEYS[1], 'state', 'mapping', 'split', 'open', 'phase', tonumber(ARGV[2]) + 1,
  'cursor', ARGV[4], 'first_chunks', ARGV[5])
return 1
