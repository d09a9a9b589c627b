-- Starts an attempt at a task, and acquires or renews the lease of its batch. An attempt starts once: a batch that was
-- delivered twice, or a payload that was replayed, is refused. A repeated call gets the same answer.
-- KEYS: job, batches, leases, running, attempts, receipts, events
-- ARGV: batch, task, attempt, worker, lease (ms), the state that the job must be in, how long keys live (s)
-- Returns: when it began (ms), or why not: 'ENDED' the job is not in that state, 'REVOKED' the batch was given up,
--          'COMMITTED' the task is done, 'STALE' this attempt or a later one was started before.
if redis.call('HGET', KEYS[1], 'state') ~= ARGV[6] then
  return 'ENDED'
end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then
  return 'REVOKED'
end
if redis.call('HEXISTS', KEYS[6], ARGV[2]) == 1 then
  return 'COMMITTED'
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local field = ARGV[2] .. '#' .. ARGV[3]
local last = tonumber(redis.call('HGET', KEYS[5], ARGV[2]) or '0')
if tonumber(ARGV[3]) <= last then
  local mine = redis.call('HGET', KEYS[4], field)
  if not mine or cjson.decode(mine)['worker'] ~= ARGV[4] then
    return 'STALE'
  end
end
if tonumber(ARGV[3]) > last then
  redis.call('HSET', KEYS[5], ARGV[2], ARGV[3])
end
redis.call('HSET', KEYS[4], field, cjson.encode({batch = ARGV[1], worker = ARGV[4], started = now}))
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[5]), ARGV[1])
redis.call('EXPIRE', KEYS[3], ARGV[7], 'NX')
redis.call('EXPIRE', KEYS[4], ARGV[7], 'NX')
redis.call('EXPIRE', KEYS[5], ARGV[7], 'NX')
if tonumber(ARGV[3]) > last then
  redis.call('XADD', KEYS[7], 'MAXLEN', '~', 1000, '*',
    'action', 'started', 'task', ARGV[2], 'attempt', ARGV[3], 'worker', ARGV[4])
  redis.call('EXPIRE', KEYS[7], ARGV[7], 'NX')
end
return now
