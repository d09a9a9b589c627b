-- Drops a failed attempt while another attempt at its task runs or is queued. Without one the task would be lost.
-- KEYS: job, failed, batches, running, attempts
-- ARGV: epoch, task, attempt that failed
-- Returns: 1 dropped, 0 that attempt has not failed, the task has no other one, or another master has taken over.
local raw = redis.call('HGET', KEYS[2], ARGV[2])
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or not raw then
  return 0
end
local failed = tonumber(ARGV[3])
if cjson.decode(raw)['attempt'] ~= failed then
  return 0
end
local started = tonumber(redis.call('HGET', KEYS[5], ARGV[2]) or '0')
for _, batch in ipairs(redis.call('HVALS', KEYS[3])) do
  for _, item in ipairs(cjson.decode(batch)['tasks']) do
    if item[1] == ARGV[2] and item[2] ~= failed then
      local field = item[1] .. '#' .. string.format('%d', item[2])
      if item[2] > started or redis.call('HEXISTS', KEYS[4], field) == 1 then
        return redis.call('HDEL', KEYS[2], ARGV[2])
      end
    end
  end
end
return 0
