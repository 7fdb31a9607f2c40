-- Registers a worker, notes its heartbeat, or forgets it.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  'register', 'beat' or 'deregister'   ARGV[4]  worker, 16 bytes
-- ARGV[5]  with 'register': what it says of itself   ARGV[6]  and after how many milliseconds of silence it is forgotten
-- Returns 'ok', time, 1 if the worker is registered

local now, stop = begin()
if stop then
  return stop
end
local worker = ARGV[4]
if ARGV[3] == 'deregister' then
  redis.call('HDEL', WORKERS, worker, worker .. '@')
  redis.call('ZREM', BEATS, worker)
  return { 'ok', now, 0 }
end
if ARGV[3] == 'register' then
  for _, silent in ipairs(redis.call('ZRANGEBYSCORE', BEATS, '-inf', '(' .. (now - ARGV[6]), 'LIMIT', 0, 100)) do
    redis.call('HDEL', WORKERS, silent, silent .. '@')
    redis.call('ZREM', BEATS, silent)
  end
  redis.call('HSET', WORKERS, worker, ARGV[5])
  redis.call('HSETNX', WORKERS, worker .. '@', now)
elseif redis.call('HEXISTS', WORKERS, worker) == 0 then
  return { 'ok', now, 0 }
end
redis.call('ZADD', BEATS, now, worker)
return { 'ok', now, 1 }
