-- Counts something up.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  hash   ARGV[4]  field   ARGV[5]  by how much
-- Returns 'ok', time, what it is now

local now, stop = begin()
if stop then
  return stop
end
return { 'ok', now, redis.call('HINCRBY', P .. ARGV[3], ARGV[4], ARGV[5]) }
