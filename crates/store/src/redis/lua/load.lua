-- Reads onboardings with their leases.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  how many ids follow, then the ids
-- ARGV[..] how many keyed e-mails follow, then those
-- Returns 'ok', time, for each id a list { value or '', ledger entry or '-', three times held or '', the lease's end or '' },
-- and for each e-mail its owner or ''

local now, stop = look()
if stop then
  return stop
end

local ids = tonumber(ARGV[3])
local onboardings, owners = {}, {}
for n = 1, ids do
  local id = ARGV[3 + n]
  local value = redis.call('GET', ONBOARDING .. id)
  local found = { value or '', '-' }
  if value then
    found[2] = ''
    local held =
      redis.call('HMGET', HELD, id .. kind_char(0), id .. kind_char(1), id .. kind_char(2))
    for kind = 0, 2 do
      local lease = held[kind + 1]
      found[3 + kind * 2] = lease or ''
      found[4 + kind * 2] = lease and redis.call('ZSCORE', LEASES, id .. kind_char(kind)) or ''
    end
  else
    found[2] = redis.call('HGET', bucket(LEDGER, id), id) or '-'
  end
  onboardings[n] = found
end
local at = 4 + ids
for n = 1, tonumber(ARGV[at]) do
  local field = ARGV[at + n]
  owners[n] = redis.call('HGET', bucket(EMAIL, field), field) or ''
end
return { 'ok', now, onboardings, owners }
