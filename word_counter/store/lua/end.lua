-- Ends a job. From now on nothing of it can start or commit, and its keys expire.
-- KEYS: job, batches, leases, running, receipts of reduce tasks, contents, every other key of the job...
-- ARGV: epoch, or '' to end it without the leader lease (a cancel); the state to end in; the reason; how long its keys
--       stay (s)
-- Returns: the state it is in now: the one asked for; or its present one, when it had ended before, another master has
--          taken over, or not all partitions are reduced; '' when there is no such job.
local job = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'partitions')
if not job[2] then
  return ''
end
if job[2] ~= 'mapping' and job[2] ~= 'reducing' then
  return job[2]
end
if ARGV[1] ~= '' and job[1] ~= ARGV[1] then
  return job[2]
end
if ARGV[2] == 'done' and redis.call('HLEN', KEYS[5]) ~= tonumber(job[3]) then
  return job[2]
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'reason', ARGV[3], 'ended', now[1] * 1000 + math.floor(now[2] / 1000))
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
if ARGV[2] ~= 'failed' then -- the chunks of a failed job may be replayed
  redis.call('UNLINK', KEYS[6])
end
for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ARGV[4])
end
return ARGV[2]
