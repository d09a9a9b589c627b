-- Drops a failed attempt whose task another attempt is still at.
-- KEYS: job, failed
-- ARGV: epoch, task
-- Returns: 1 dropped, 0 it was not failed, or another master has taken over.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return 0
end
return redis.call('HDEL', KEYS[2], ARGV[2])
