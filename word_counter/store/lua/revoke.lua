-- Gives up a batch: its started attempts count as failed, its other unfinished tasks wait to be queued again.
-- KEYS: batches, leases, running, receipts, failed, failures, waiting, events, job
-- ARGV: batch, kind of failure, what happened, 'expired' to do it only when the lease has run out, 'unleased' only
--       when nothing started it, 'always' regardless, how long keys live (s), the index of the record at fault or '',
--       then, if a worker leaves the job to others, the field of the job that says so, and why
-- Returns: 1 given up, 0 it was not there or the condition does not hold.
local raw = redis.call('HGET', KEYS[1], ARGV[1])
if not raw then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local deadline = redis.call('ZSCORE', KEYS[2], ARGV[1])
if ARGV[4] == 'expired' and (not deadline or tonumber(deadline) > now) then
  return 0
end
if ARGV[4] == 'unleased' and deadline then
  return 0
end
-- Commands that a full memory refuses come first, so that the script does all or nothing.
redis.call('XADD', KEYS[8], 'MAXLEN', '~', 1000, '*', 'action', 'revoked', 'batch', ARGV[1], 'reason', ARGV[3])
if ARGV[7] then
  redis.call('HSET', KEYS[9], ARGV[7], cjson.encode({reason = ARGV[8], at = now}))
end
for _, item in ipairs(cjson.decode(raw)['tasks']) do
  local task, attempt = item[1], string.format('%d', item[2])
  local field = task .. '#' .. attempt
  local running = redis.call('HGET', KEYS[3], field)
  local facts = running and cjson.decode(running)
  if redis.call('HEXISTS', KEYS[4], task) == 0 and redis.call('HEXISTS', KEYS[5], task) == 0 then
    if running then
      local failure = {
        task = task, attempt = item[2], worker = facts['worker'],
        kind = ARGV[2], message = ARGV[3], at = now, started = facts['started']
      }
      if ARGV[6] ~= '' then
        failure['record'] = tonumber(ARGV[6])
      end
      redis.call('HSET', KEYS[5], task, cjson.encode(failure))
      redis.call('RPUSH', KEYS[6], cjson.encode(failure))
      redis.call('LTRIM', KEYS[6], -10000, -1)
    else
      redis.call('ZADD', KEYS[7], now, task)
    end
  end
  if running then
    redis.call('XADD', KEYS[8], 'MAXLEN', '~', 1000, '*', 'action', 'failed', 'task', task, 'attempt', attempt,
      'worker', facts['worker'], 'kind', ARGV[2])
    redis.call('HDEL', KEYS[3], field)
  end
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
for key = 5, 8 do
  redis.call('EXPIRE', KEYS[key], ARGV[5], 'NX')
end
return 1
