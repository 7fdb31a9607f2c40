-- Reads onboardings with their leases.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  how many ids follow, then the ids
-- ARGV[..] how many keyed e-mails follow, then those
-- Returns 'ok', time, for each id a list { ledger entry or '-' }, and if that is '' also { .., value or nothing, three times
-- held or '', the lease's end or '' }; of the last ids there may be none: too much to read at once; and for each e-mail its
-- owner or ''

local now, stop = look()
if stop then
  return stop
end
-- So many bytes are enough for one answer.
local ENOUGH = 2097152

local ids = tonumber(ARGV[3])
local onboardings, owners, size = {}, {}, 0
for n = 1, ids do
  local id = ARGV[3 + n]
  local value = redis.call('GET', ONBOARDING .. id)
  local entry = value and '' or redis.call('HGET', bucket(LEDGER, id), id) or '-'
  local found = { entry }
  if entry == '' then
    found[2] = value
    local held =
      redis.call('HMGET', HELD, id .. kind_char(0), id .. kind_char(1), id .. kind_char(2))
    for kind = 0, 2 do
      local lease = held[kind + 1]
      found[3 + kind * 2] = lease or ''
      found[4 + kind * 2] = lease and redis.call('ZSCORE', LEASES, id .. kind_char(kind)) or ''
    end
    size = size + (value and #value or 0)
  end
  onboardings[n] = found
  if size > ENOUGH then
    break
  end
end
local at = 4 + ids
for n = 1, tonumber(ARGV[at]) do
  local field = ARGV[at + n]
  owners[n] = redis.call('HGET', bucket(EMAIL, field), field) or ''
end
return { 'ok', now, onboardings, owners }
