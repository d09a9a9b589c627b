-- Commits an attempt: its output, its counts and its receipt in one step, if its task has no committed attempt and
-- the attempt was not revoked. Otherwise changes nothing. The first commit wins. Repeating it is harmless.
-- KEYS: job, batches, leases, running, attempts, receipts, totals, counters, events, quarantine, contents, raised,
--       then for a map task the partials of the partitions it has pairs for, for a reduce task its staged results, its
--       final ones, and its partials, which are freed when the job is marked as frugal because memory is short
-- ARGV: batch, task, attempt, the state that the job must be in, how long keys live (s), receipt (JSON),
--       '1' when the batch has no task left, number of totals, (name, n)..., number of counters, (name, n)...,
--       number of bad records, (field, JSON)..., how many bad records that raised the job may have, how many of these,
--       then for a map task its chunk id and a partial (JSON) for each partials key
-- Returns: 'OK', or why not: 'COMMITTED' another attempt was first, 'REVOKED' also when not all segments that a reduce
--          task staged are there (any more), 'ENDED', 'TOO MANY' bad records.
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
local segments = cjson.decode(ARGV[6])['amounts']['segments']
if segments and redis.call('HLEN', KEYS[13]) ~= segments then
  return 'REVOKED'
end
-- Commands that a full memory refuses come first, so that the script does all or nothing.
local at = 8
local bad_at = at
for _ = 1, 2 do
  bad_at = bad_at + 1 + 2 * tonumber(ARGV[bad_at])
end
local bad = tonumber(ARGV[bad_at])
local limits = bad_at + 1 + 2 * bad
local raised = tonumber(ARGV[limits + 1])
if raised > 0 then
  local before = tonumber(redis.call('HGET', KEYS[7], 'raised_records') or '0')
  if before + raised > tonumber(ARGV[limits]) then
    return 'TOO MANY'
  end
  redis.call('HINCRBY', KEYS[7], 'raised_records', raised)
end
for i = bad_at + 1, bad_at + 2 * bad, 2 do
  redis.call('HSET', KEYS[10], ARGV[i], ARGV[i + 1])
end
if bad > 0 then
  redis.call('HINCRBY', KEYS[7], 'bad_records', bad)
  redis.call('EXPIRE', KEYS[10], ARGV[5], 'NX')
end
for key = 7, 8 do
  local n = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, n do
    redis.call('HINCRBY', KEYS[key], ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  redis.call('EXPIRE', KEYS[key], ARGV[5], 'NX')
end
at = limits + 2
if string.sub(ARGV[2], 1, 4) == 'map:' then
  for key = 13, #KEYS do
    redis.call('HSET', KEYS[key], ARGV[at], ARGV[at + key - 12])
    redis.call('EXPIRE', KEYS[key], ARGV[5], 'NX')
  end
  redis.call('HDEL', KEYS[11], ARGV[at])
else
  if redis.call('EXISTS', KEYS[13]) == 1 then
    redis.call('RENAME', KEYS[13], KEYS[14])
  end
  if redis.call('HGET', KEYS[1], 'frugal') then
    redis.call('UNLINK', KEYS[15])
  end
end
redis.call('HSET', KEYS[6], ARGV[2], ARGV[6])
redis.call('EXPIRE', KEYS[6], ARGV[5], 'NX')
redis.call('HDEL', KEYS[4], field)
-- What earlier attempts raised was no mistake for good.
for attempt = 1, (tonumber(redis.call('HGET', KEYS[5], ARGV[2])) or 1) do
  if tostring(attempt) ~= ARGV[3] then
    redis.call('HDEL', KEYS[12], ARGV[2] .. '#' .. attempt)
  end
end
redis.call('HDEL', KEYS[5], ARGV[2])
if ARGV[7] == '1' then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
end
local made = cjson.decode(ARGV[6])
redis.call('XADD', KEYS[9], 'MAXLEN', '~', 1000, '*', 'action', 'committed', 'task', ARGV[2], 'attempt', ARGV[3],
  'worker', made['worker'], 'seconds', tostring(made['seconds']))
redis.call('EXPIRE', KEYS[9], ARGV[5], 'NX')
return 'OK'
