-- Checks that a job is complete right before its results are shown, and renews the leader lease.
-- KEYS: job, chunks, receipts of map tasks, receipts of reduce tasks, quarantine, totals
-- ARGV: epoch, how long the leader lease lasts from now (ms)
-- Returns: '' it is complete; else what is wrong: the job is gone, has another master or is in another state, or what
--          of it is missing.
local job = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'split', 'cursor', 'partitions')
if job[1] ~= ARGV[1] then
  return 'another master is in charge of it'
end
if job[2] ~= 'reducing' then
  return 'it is ' .. tostring(job[2])
end
local chunks = cjson.decode(job[4])[1]
local mapped = redis.call('HLEN', KEYS[3])
if job[3] ~= 'done' or redis.call('HLEN', KEYS[2]) ~= chunks or mapped ~= chunks then
  return string.format('%d of its %d chunks are committed', mapped, chunks)
end
local reduced = redis.call('HLEN', KEYS[4])
if reduced ~= tonumber(job[5]) then
  return string.format('%d of its %s partitions are reduced', reduced, job[5])
end
local totals = redis.call('HMGET', KEYS[6], 'bad_records', 'skipped_chunks')
local aside = tonumber(totals[1] or '0') + tonumber(totals[2] or '0')
local listed = redis.call('HLEN', KEYS[5])
if listed ~= aside then
  return string.format('%d of %d entries of its quarantine are there', listed, aside)
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'held_until', now[1] * 1000 + math.floor(now[2] / 1000) + tonumber(ARGV[2]))
return ''
