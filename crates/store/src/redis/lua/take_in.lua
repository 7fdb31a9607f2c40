-- Takes in customers of whom nothing is believed to be known. Those of whom something is, are left out and named.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  the lane that their jobs wait in        ARGV[4]  when these are due
-- ARGV[5]  the sum that counts them                ARGV[6]  their import, 16 bytes, or ''
-- ARGV[7..] for each: id, value, member of the lane, keyed e-mail, digest of the reference or ''
-- Returns 'ok', time, whether idle workers were woken, and the numbers (from 1) of those left out

local now, stop = begin()
if stop then
  return stop
end
local due = ARGV[4]
local values, waiting, left_out = {}, {}, {}
local number, taken = 0, 0
for at = 7, #ARGV, 5 do
  number = number + 1
  local id, email = ARGV[at], ARGV[at + 3]
  local entry = bucket(LEDGER, id)
  local is_new = redis.call('HSETNX', entry, id, '') == 1
  if is_new and redis.call('HSETNX', bucket(EMAIL, email), email, id) == 0 then
    -- The e-mail is another's.
    redis.call('HDEL', entry, id)
    is_new = false
  end
  if is_new then
    local reference = ARGV[at + 4]
    if reference ~= '' then
      redis.call('HSET', bucket(REFERENCE, reference), reference, id)
    end
    taken = taken + 1
    values[taken * 2 - 1] = ONBOARDING .. id
    values[taken * 2] = ARGV[at + 1]
    waiting[taken * 2 - 1] = due
    waiting[taken * 2] = ARGV[at + 2]
  else
    left_out[#left_out + 1] = number
  end
end

local woken = 0
if taken > 0 then
  local lane_key = DUE .. ARGV[3]
  local first = head(lane_key)
  redis.call('MSET', unpack(values))
  redis.call('ZADD', lane_key, unpack(waiting))
  redis.call('HINCRBY', SUMS, ARGV[5], taken)
  if ARGV[6] ~= '' then
    redis.call('HINCRBY', IMPORT .. ARGV[6], ARGV[5], taken)
  end
  if not first or tonumber(due) < first then
    woken = 1
    wake()
  end
end
return { 'ok', now, woken, left_out }
