-- Goes from mapping to reducing, once every chunk of the whole input has its receipt.
-- KEYS: job, chunks, receipts of map tasks
-- ARGV: epoch
-- Returns: 1 done, 0 a receipt is missing still, or another master has taken over.
local job = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'split')
if job[1] ~= ARGV[1] or job[2] ~= 'mapping' or job[3] ~= 'done' then
  return 0
end
if redis.call('HLEN', KEYS[2]) ~= redis.call('HLEN', KEYS[3]) then
  return 0
end
redis.call('HSET', KEYS[1], 'state', 'reducing')
return 1
