-- The registered workers.
--
-- KEYS[1]  the namespace in braces
-- Returns 'ok', time, what they said and when they began (worker, text, worker .. '@', time, …), their heartbeats (worker, time, …)

local now, stop = look()
if stop then
  return stop
end
return { 'ok', now, redis.call('HGETALL', WORKERS), redis.call('ZRANGE', BEATS, 0, -1, 'WITHSCORES') }
