-- Renews the lease of a batch.
-- KEYS: batches, leases
-- ARGV: batch, lease (ms)
-- Returns: 1 renewed, 0 the batch is not this worker's any more: it was finished or revoked, or its job ended.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  return 0
end
local now = redis.call('TIME')
redis.call('ZADD', KEYS[2], 'XX', now[1] * 1000 + math.floor(now[2] / 1000) + tonumber(ARGV[2]), ARGV[1])
return 1
