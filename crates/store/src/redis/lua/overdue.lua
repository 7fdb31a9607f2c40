-- Names leases that have run out, the longest overdue first.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  at most how many
-- Returns 'ok', time, leased jobs

local now, stop = begin()
if stop then
  return stop
end
if now < tonumber(redis.call('HGET', META, 'grace')) then
  return { 'ok', now, {} }
end
return { 'ok', now, redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, ARGV[3]) }
