-- Pauses or resumes kinds, or sets the rate limit for all workers.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  'pause' or 'resume', then kinds; or 'limits' and the policy as text, '' to go back to the workers' own
-- Returns 'ok', time

local now, stop = begin()
if stop then
  return stop
end
if ARGV[3] == 'limits' then
  if ARGV[4] == '' then
    redis.call('DEL', LIMITS)
  else
    redis.call('SET', LIMITS, ARGV[4])
  end
else
  for n = 4, #ARGV do
    if ARGV[3] == 'pause' then
      redis.call('HSET', PAUSED, ARGV[n], now)
    else
      redis.call('HDEL', PAUSED, ARGV[n])
    end
  end
end
wake()
return { 'ok', now }
