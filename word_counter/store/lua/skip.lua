-- Puts a chunk that failed for good into quarantine. It gets a receipt that says so.
-- KEYS: job, failed, receipts of map tasks, quarantine, totals, contents, raised
-- ARGV: epoch, task, receipt (JSON), quarantine entry (JSON), lines, bytes, how long keys live (s), chunk id,
--       the attempt that failed last
-- Returns: 1 set aside, 0 it was not failed, or another master has taken over.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then
  return 0
end
redis.call('HSET', KEYS[4], ARGV[2], ARGV[4])
redis.call('EXPIRE', KEYS[4], ARGV[7], 'NX')
redis.call('HINCRBY', KEYS[5], 'skipped_chunks', 1)
redis.call('HINCRBY', KEYS[5], 'skipped_lines', ARGV[5])
redis.call('HINCRBY', KEYS[5], 'bytes', ARGV[6])
redis.call('EXPIRE', KEYS[5], ARGV[7], 'NX')
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[3], ARGV[7], 'NX')
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[6], ARGV[8])
for attempt = 1, ARGV[9] do
  redis.call('HDEL', KEYS[7], ARGV[2] .. '#' .. attempt)
end
return 1
