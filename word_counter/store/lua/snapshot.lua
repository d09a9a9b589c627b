-- Reads the snapshot that the master decides by. It grows with what runs, waits or failed, not with the job.
-- KEYS: job, batches, leases, failed, waiting, receipts of map tasks, receipts of reduce tasks, totals, attempts,
--       running, suspects, contents
-- ARGV: how many waiting tasks at the most
-- Returns: server time (ms), job fields, batches, leases with deadlines, failed tasks, number of waiting tasks,
--          waiting tasks that are due with the attempts they had, number of map receipts, of reduce
--          receipts, totals, running attempts (task#attempt, JSON, 1 when another attempt has committed the task,
--          the latest attempt at it that was started), what is known of chunks that killed their process,
--          when the next waiting task is due (ms) or '', how many chunks have their bytes in Redis.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = {}
for _, task in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  due[#due + 1] = task
  due[#due + 1] = redis.call('HGET', KEYS[9], task) or '0'
end
local running = redis.call('HGETALL', KEYS[10])
local attempts = {}
for i = 1, #running, 2 do
  local task = string.match(running[i], '^(.*)#') or running[i]
  local receipts = string.sub(task, 1, 4) == 'map:' and KEYS[6] or KEYS[7]
  attempts[#attempts + 1] = running[i]
  attempts[#attempts + 1] = running[i + 1]
  attempts[#attempts + 1] = redis.call('HEXISTS', receipts, task)
  attempts[#attempts + 1] = redis.call('HGET', KEYS[9], task) or '0'
end
return {
  now,
  redis.call('HGETALL', KEYS[1]),
  redis.call('HGETALL', KEYS[2]),
  redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES'),
  redis.call('HGETALL', KEYS[4]),
  redis.call('ZCARD', KEYS[5]),
  due,
  redis.call('HLEN', KEYS[6]),
  redis.call('HLEN', KEYS[7]),
  redis.call('HGETALL', KEYS[8]),
  attempts,
  redis.call('HGETALL', KEYS[11]),
  redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2] or '',
  redis.call('HLEN', KEYS[12])
}
