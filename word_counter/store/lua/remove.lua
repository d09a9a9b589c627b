-- Deletes a job and all its keys.
-- KEYS: job, every other key of the job...
-- ARGV: who made the job, which must have ended; '' deletes it whoever made it, and in any state
-- Returns: 1 deleted, 0 it has not ended, or another one of its name was made since.
local job = redis.call('HMGET', KEYS[1], 'made_by', 'state')
if ARGV[1] ~= '' and job[2] then
  if job[1] ~= ARGV[1] or job[2] == 'mapping' or job[2] == 'reducing' then
    return 0
  end
end
for _, key in ipairs(KEYS) do
  redis.call('UNLINK', key)
end
return 1
