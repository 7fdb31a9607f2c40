-- The sums, whatever the number of onboardings.
--
-- KEYS[1]  the namespace in braces
-- Returns 'ok', time, sums (name, number, …), paused kinds, circuit, and for each kind: waiting, due, retryable

local now, stop = look()
if stop then
  return stop
end
local kinds = {}
for kind = 0, 2 do
  local waiting, due = 0, 0
  for n = 0, 3 do
    local key = DUE .. (kind * 4 + n)
    waiting = waiting + redis.call('ZCARD', key)
    due = due + redis.call('ZCOUNT', key, '-inf', now)
  end
  kinds[kind + 1] = { waiting, due, redis.call('ZCOUNT', RETRY .. kind, '(' .. now, '+inf') }
end
return { 'ok', now, redis.call('HGETALL', SUMS), redis.call('HKEYS', PAUSED), redis.call('GET', CIRCUIT) or '', kinds }
