-- Names leases that have run out, the longest overdue first.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  at most how many
-- Returns 'ok', time, leased jobs

local now, stop = begin()
if stop then
  return stop
end
if now < tonumber(redis.call('HGET', META, 'grace') or 0) then
  return { 'ok', now, {} }
end
local overdue = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, ARGV[3])
local leased = {}
for _, job in ipairs(overdue) do
  if redis.call('HEXISTS', HELD, job) == 1 then
    leased[#leased + 1] = job
  else
    -- An end without a lease: it must not stand in the way of the others.
    redis.call('ZREM', LEASES, job)
  end
end
return { 'ok', now, leased }
