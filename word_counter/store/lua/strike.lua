-- Takes workers that are gone off RQ's lists, and a queue that has neither batches nor workers any more.
-- KEYS: rq:queues, the queue, what was being taken from it, rq:workers, the queue's workers
-- ARGV: the workers that are gone, as these lists name them...
-- Returns: 1 the queue is off the list, 0 it is in use.
for _, worker in ipairs(ARGV) do
  redis.call('SREM', KEYS[4], worker)
  redis.call('SREM', KEYS[5], worker)
end
if redis.call('EXISTS', KEYS[2], KEYS[5]) > 0 then
  return 0
end
redis.call('SREM', KEYS[1], KEYS[2])
redis.call('DEL', KEYS[3])
return 1
