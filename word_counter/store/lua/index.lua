-- Keeps the index of jobs true: enters jobs whose keys are there, and takes off those whose keys are gone. What it
-- costs depends on how many jobs are named, not on how many the index holds.
-- KEYS: index, when its jobs expire, the job key of each member...
-- ARGV: these members, in the same order
-- Returns: how many of them are there.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local there = 0
for i, member in ipairs(ARGV) do
  local left = redis.call('TTL', KEYS[i + 2])
  if left == -2 then
    redis.call('ZREM', KEYS[1], member)
    redis.call('ZREM', KEYS[2], member)
  else
    if left == -1 then -- somebody has made it stay
      left = 10 * 365 * 24 * 3600
    end
    redis.call('ZADD', KEYS[1], 'NX', now, member)
    redis.call('ZADD', KEYS[2], now + (left + 1) * 1000, member)
    there = there + 1
  end
end
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
if last then
  local left = math.ceil((tonumber(last) - now) / 1000)
  redis.call('EXPIRE', KEYS[1], math.max(left, 1))
  redis.call('EXPIRE', KEYS[2], math.max(left, 1))
end
return there
