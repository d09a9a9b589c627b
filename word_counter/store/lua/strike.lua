-- Removes workers that are gone from RQ's lists, and the queue when it has neither batches nor workers any more.
-- KEYS: rq:queues, the queue, its intermediate queue, rq:workers, the queue's workers
-- ARGV: the workers that are gone, by their names in these lists...
-- Returns: 1 the queue is removed, 0 it is in use.
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
