-- Ends an attempt that failed. The master decides what becomes of its task, unless another attempt has committed it.
-- Commands that a full memory refuses come first, so that the script does all or nothing.
-- The failure says how many attempts at tasks that are not committed had raised the same before.
-- KEYS: batches, leases, running, failed, failures, events, receipts, raised
-- ARGV: batch, task, attempt, failure (JSON), '1' when the batch has no task left, how long keys live (s), what
--       user code raised where, or ''
-- Returns: 'OK', or 'REVOKED' when the attempt is not running (any more).
local field = ARGV[2] .. '#' .. ARGV[3]
if redis.call('HEXISTS', KEYS[3], field) == 0 then
  return 'REVOKED'
end
redis.call('RPUSH', KEYS[5], ARGV[4])
local failure = cjson.decode(ARGV[4])
local text = ARGV[4]
local before = redis.call('HGET', KEYS[4], ARGV[2])
local open = redis.call('HEXISTS', KEYS[7], ARGV[2]) == 0
if open and ARGV[7] ~= '' then
  for _, raised in ipairs(redis.call('HVALS', KEYS[8])) do
    if raised == ARGV[7] then
      failure['repeats'] = failure['repeats'] + 1
    end
  end
  redis.call('HSET', KEYS[8], field, ARGV[7])
  redis.call('EXPIRE', KEYS[8], ARGV[6], 'NX')
  text = cjson.encode(failure)
end
if open and not (before and cjson.decode(before)['attempt'] > tonumber(ARGV[3])) then
  redis.call('HSET', KEYS[4], ARGV[2], text)
end
redis.call('XADD', KEYS[6], 'MAXLEN', '~', 1000, '*', 'action', 'failed', 'task', ARGV[2], 'attempt', ARGV[3],
  'worker', failure['worker'], 'kind', failure['kind'])
redis.call('HDEL', KEYS[3], field)
redis.call('LTRIM', KEYS[5], -10000, -1)
if ARGV[5] == '1' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
redis.call('EXPIRE', KEYS[4], ARGV[6], 'NX')
redis.call('EXPIRE', KEYS[5], ARGV[6], 'NX')
redis.call('EXPIRE', KEYS[6], ARGV[6], 'NX')
return 'OK'
