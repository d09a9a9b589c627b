-- Removes jobs whose keys are gone from the index of jobs, and lets it expire with the last of the others.
-- KEYS: index, the job key of each of its members...
-- ARGV: these members, in the same order
-- Returns: 1 done, 0 the index has other members by now: call again with these.
if redis.call('ZCARD', KEYS[1]) ~= #ARGV then
  return 0
end
for _, member in ipairs(ARGV) do
  if not redis.call('ZSCORE', KEYS[1], member) then
    return 0
  end
end
local longest = 0
for i, member in ipairs(ARGV) do
  local left = redis.call('TTL', KEYS[i + 1])
  if left == -2 then
    redis.call('ZREM', KEYS[1], member)
  elseif left == -1 then -- somebody has removed its expiry
    longest = 10 * 365 * 24 * 3600
  else
    longest = math.max(longest, left + 1)
  end
end
redis.call('EXPIRE', KEYS[1], longest)
return 1
