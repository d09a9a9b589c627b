-- Renews the leader lease of a job, or releases it.
-- KEYS: job
-- ARGV: epoch, how long the lease lasts from now (ms), 0 releases it; the master's memory now and at most (bytes)
-- Returns: 1 renewed, 0 another master holds the lease, -1 there is no such job any more.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  return -1
end
if epoch ~= ARGV[1] then
  return 0
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'held_until', now[1] * 1000 + math.floor(now[2] / 1000) + tonumber(ARGV[2]))
if tonumber(ARGV[4]) > 0 then
  redis.call('HSET', KEYS[1], 'master_bytes', ARGV[3], 'master_peak_bytes', ARGV[4])
end
return 1
