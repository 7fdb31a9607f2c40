-- Renews leases, each by its token. One that has run out and was not taken back is renewed too.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  length in milliseconds, then pairs of leased job and token
-- Returns 'ok', time, and a list of 1 or 0: whether it is still held

local now, stop = begin()
if stop then
  return stop
end
local until_ = now + tonumber(ARGV[3])
local still = {}
for n = 4, #ARGV, 2 do
  local held = redis.call('HGET', HELD, ARGV[n])
  local is_held = held and string.sub(held, 1, 16) == ARGV[n + 1]
  if is_held then
    redis.call('ZADD', LEASES, 'XX', until_, ARGV[n])
  end
  still[#still + 1] = is_held and 1 or 0
end
return { 'ok', now, still }
