-- Commits an attempt: all it made, its counts and its receipt, in one step, if its task has no committed attempt
-- and the attempt was not revoked; otherwise changes nothing. The first commit wins. Repeating it is harmless.
-- KEYS: job, batches, leases, running, attempts, receipts, totals, counters, events,
--       then for a map task the partials of the partitions it gives to, for a reduce task its staged and its final results
-- ARGV: batch, task, attempt, the state that the job must be in, how long keys live (s), receipt (JSON),
--       '1' when the batch has no task left, number of totals, (name, n)..., number of counters, (name, n)...,
--       then for a map task its chunk id and a partial (JSON) for each partials key
-- Returns: 'OK', or why not: 'COMMITTED' another attempt was first, 'REVOKED', 'ENDED'.
local field = ARGV[2] .. '#' .. ARGV[3]
local receipt = redis.call('HGET', KEYS[6], ARGV[2])
if receipt then
  redis.call('HDEL', KEYS[4], field)
  if tostring(cjson.decode(receipt)['attempt']) == ARGV[3] then
    return 'OK'
  end
  return 'COMMITTED'
end
if redis.call('HEXISTS', KEYS[4], field) == 0 then
  return 'REVOKED'
end
if redis.call('HGET', KEYS[1], 'state') ~= ARGV[4] then
  return 'ENDED'
end
local at = 8
for key = 7, 8 do
  local n = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, n do
    redis.call('HINCRBY', KEYS[key], ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  redis.call('EXPIRE', KEYS[key], ARGV[5], 'NX')
end
if string.sub(ARGV[2], 1, 4) == 'map:' then
  for key = 10, #KEYS do
    redis.call('HSET', KEYS[key], ARGV[at], ARGV[at + key - 9])
    redis.call('EXPIRE', KEYS[key], ARGV[5], 'NX')
  end
elseif redis.call('EXISTS', KEYS[10]) == 1 then
  redis.call('RENAME', KEYS[10], KEYS[11])
end
redis.call('HSET', KEYS[6], ARGV[2], ARGV[6])
redis.call('EXPIRE', KEYS[6], ARGV[5], 'NX')
redis.call('HDEL', KEYS[4], field)
redis.call('HDEL', KEYS[5], ARGV[2])
if ARGV[7] == '1' then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
end
redis.call('XADD', KEYS[9], 'MAXLEN', '~', 1000, '*', 'action', 'committed', 'task', ARGV[2], 'attempt', ARGV[3])
redis.call('EXPIRE', KEYS[9], ARGV[5], 'NX')
return 'OK'
