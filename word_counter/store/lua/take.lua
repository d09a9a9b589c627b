-- Acquires the leader lease of a job for a master. The epoch it gets is its fencing token: the operations of earlier
-- masters are refused from now on.
-- KEYS: job
-- ARGV: how long the lease lasts (ms), the master's name
-- Returns: the epoch; 0 another master holds the lease; -1 there is no such job, or it has ended.
local job = redis.call('HMGET', KEYS[1], 'state', 'epoch', 'held_until', 'master')
if job[1] ~= 'mapping' and job[1] ~= 'reducing' then
  return -1
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if job[4] == ARGV[2] and job[3] then
  return tonumber(job[2])
end
if job[3] and tonumber(job[3]) > now then
  return 0
end
local epoch = tonumber(job[2]) + 1
redis.call('HSET', KEYS[1], 'epoch', epoch, 'held_until', now + tonumber(ARGV[1]), 'master', ARGV[2])
return epoch
