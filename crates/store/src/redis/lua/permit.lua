-- Takes a token of the rate limit for one call outside of a lease.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3..6]  rate policy      ARGV[7]  class of the call, 1 to 3     ARGV[8]  the revision of the circuit that was read
-- Returns 'ok', time, taken (0 or 1), tokens left, limits; or 'circuit', time, circuit

local now, stop = begin()
if stop then
  return stop
end
local circuit = redis.call('GET', CIRCUIT) or ''
if string.sub(circuit, 1, 8) ~= ARGV[8] then
  return { 'circuit', now, circuit }
end
local policy = limits(3)
local taken, tokens = take_tokens(policy, tonumber(ARGV[7]), 1, now)
return { 'ok', now, taken, string.format('%.17g', tokens), table.concat(policy, ' ') }
