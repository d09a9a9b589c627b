-- Makes a failed task wait for its next attempt.
-- KEYS: job, failed, waiting, suspects, events
-- ARGV: epoch, task, after how long (ms), how long keys live (s), what the next attempt must know (JSON) or ''
-- Returns: 1 it waits, 0 it was not failed, or another master has taken over.
local raw = redis.call('HGET', KEYS[2], ARGV[2])
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or not raw then
  return 0
end
local now = redis.call('TIME')
redis.call('ZADD', KEYS[3], now[1] * 1000 + math.floor(now[2] / 1000) + tonumber(ARGV[3]), ARGV[2])
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[4], ARGV[2], ARGV[5])
  redis.call('EXPIRE', KEYS[4], ARGV[4], 'NX')
end
redis.call('HINCRBY', KEYS[1], 'retries', 1)
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('EXPIRE', KEYS[3], ARGV[4], 'NX')
local failure = cjson.decode(raw)
redis.call('XADD', KEYS[5], 'MAXLEN', '~', 1000, '*', 'action', 'retried', 'task', ARGV[2],
  'attempt', string.format('%d', failure['attempt']), 'worker', failure['worker'])
redis.call('EXPIRE', KEYS[5], ARGV[4], 'NX')
return 1
