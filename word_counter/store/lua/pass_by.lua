-- Takes the first batch from a queue that does not belong to any of some jobs. Other batches keep their places.
-- It only moves ids round, so that workers need no right to read the queue or to push into it.
-- KEYS: the queue, its intermediate queue
-- ARGV: the ids of the jobs...
-- Returns: the id of the RQ job that carries the batch, '' when there is none.
local passed = {}
for _, job in ipairs(ARGV) do
  passed[job] = true
end
for place = 1, redis.call('LLEN', KEYS[1]) do
  local id = redis.call('LMOVE', KEYS[1], KEYS[1], 'LEFT', 'RIGHT')
  local job = string.match(id, '^(.+)%-[mr]%d+%-%x+$')
  if not (job and passed[job]) then
    redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'RIGHT')
    for _ = 2, place do
      redis.call('LMOVE', KEYS[1], KEYS[1], 'RIGHT', 'LEFT')
    end
    return id
  end
end
return ''
