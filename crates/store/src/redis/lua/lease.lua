-- Leases due jobs of one kind, as far as pause, circuit and rate limit allow.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  kind                        ARGV[4]  how many are wanted
-- ARGV[5]  how many the circuit lets through, as the caller read it; 0 if none
-- ARGV[6]  token, 16 bytes             ARGV[7]  worker, 16 bytes
-- ARGV[8]  length in milliseconds      ARGV[9]  the revision of the circuit that was read
-- ARGV[10] the circuit as it is with this lease; '' if unchanged
-- ARGV[11..14] rate policy             ARGV[15] class of the calls, 1 to 3
-- ARGV[16] how many leases of the kind there may be in all; '' for any number
-- ARGV[17] which part of the call this is: '' for the first, else its number
-- Returns
--   'none', time, next due or ''         nothing is due, or the kind is paused ('paused')
--   'circuit', time, circuit             it has changed: decide again
--   'blocked', time                      the circuit lets nobody through
--   'full', time                         there are as many leases of the kind as the circuit allows
--   'again', time, waiting, jobs         what the same call leased before, its answer lost: id, value, held, end, …
--   'ok', time, waiting, due, next ahead or '', tokens left, limits, jobs: id, value, …

local now, stop = begin()
if stop then
  return stop
end
local kind, wanted, admitted = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local token, worker, length = ARGV[6], ARGV[7], tonumber(ARGV[8])
local mark = kind_char(kind)

local function waiting()
  return tonumber(redis.call('HGET', SUMS, 'w') or 0)
end

local grant = GRANT .. token .. mark .. ARGV[17]
local granted = redis.call('GET', grant)
if granted then
  local jobs = {}
  for n = 1, #granted, 16 do
    local id = string.sub(granted, n, n + 15)
    local held = redis.call('HGET', HELD, id .. mark)
    if held and string.sub(held, 1, 16) == token then
      local value = redis.call('GET', ONBOARDING .. id)
      if value then
        jobs[#jobs + 1] = id
        jobs[#jobs + 1] = value
        jobs[#jobs + 1] = held
        jobs[#jobs + 1] = redis.call('ZSCORE', LEASES, id .. mark)
      end
    end
  end
  if #jobs > 0 then
    return { 'again', now, waiting(), jobs }
  end
end

if wanted == 0 or redis.call('HEXISTS', PAUSED, kind) == 1 then
  return { 'none', now, '' }
end

local next_due
for n = 0, 3 do
  local first = head(DUE .. (kind * 4 + n))
  if first and (not next_due or first < next_due) then
    next_due = first
  end
end
if not next_due or next_due > now then
  return { 'none', now, next_due and tostring(next_due) or '' }
end

local circuit = redis.call('GET', CIRCUIT) or ''
if string.sub(circuit, 1, 8) ~= ARGV[9] then
  return { 'circuit', now, circuit }
end
if admitted == 0 then
  return { 'blocked', now }
end

-- Due jobs: the parked behind the others, and at most one in flight that a worker died over.
local room = math.min(wanted, admitted)
if ARGV[16] ~= '' then
  room = math.min(room, ARGV[16] - (redis.call('HGET', SUMS, 'l' .. kind) or 0))
  if room <= 0 then
    return { 'full', now }
  end
end
local lone = 1
for _, holder in ipairs(redis.call('HVALS', SUSPECTS)) do
  if holder == worker then
    lone = 0
  end
end
local picked, lanes = {}, {}
local function pick(key, most)
  if most <= 0 then
    return 0
  end
  local found = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, most)
  for _, member in ipairs(found) do
    picked[#picked + 1] = member
    lanes[#lanes + 1] = key
  end
  return #found
end
local suspects = {}
for parked = 0, 1 do
  local first = #picked + 1
  lone = lone - pick(lane(kind, parked, 0), math.min(lone, room - #picked))
  for n = first, #picked do
    suspects[n] = true
  end
  pick(lane(kind, parked, 1), room - #picked)
end

local function next_ahead()
  local found
  for n = 0, 3 do
    local ahead = redis.call(
      'ZRANGEBYSCORE', DUE .. (kind * 4 + n), '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    local score = tonumber(ahead[2])
    if score and (not found or score < found) then
      found = score
    end
  end
  return found and tostring(found) or ''
end

local due = #picked
local policy = limits(11)
local class = tonumber(ARGV[15])
local permitted, tokens = 0, 0
if due > 0 then
  permitted, tokens = take_tokens(policy, class, due, now)
end

local jobs, members, values, ids, retried = {}, {}, {}, {}, {}
local held, leases, from = {}, {}, {}
local stamp = token .. worker .. struct.pack('>I8', now) .. '\0\0\0'
if permitted > 0 then
  for n = 1, permitted do
    ids[n] = string.sub(picked[n], 8)
    members[n] = ONBOARDING .. ids[n]
  end
  values = redis.call('MGET', unpack(members))
  for n = 1, permitted do
    local id, key = ids[n], lanes[n]
    local taken = from[key]
    if not taken then
      taken = {}
      from[key] = taken
    end
    taken[#taken + 1] = picked[n]
    if string.byte(picked[n], 1) > 0 then
      retried[#retried + 1] = id
    end
    -- An entry without its onboarding is dropped: it must not stand in the way of the others.
    if values[n] then
      jobs[#jobs + 1] = id
      jobs[#jobs + 1] = values[n]
      local member = id .. mark
      held[#held + 1] = member
      held[#held + 1] = stamp
      leases[#leases + 1] = now + length
      leases[#leases + 1] = member
      if suspects[n] then
        redis.call('HSET', SUSPECTS, member, worker)
      end
    end
  end
  for key, taken in pairs(from) do
    redis.call('ZREM', key, unpack(taken))
  end
  if #retried > 0 then
    redis.call('ZREM', RETRY .. kind, unpack(retried))
  end
end
local count = #jobs / 2
if count > 0 then
  redis.call('HSET', HELD, unpack(held))
  redis.call('ZADD', LEASES, unpack(leases))
  redis.call('HINCRBY', SUMS, 'l' .. kind, count)
  local names = {}
  for n = 1, #jobs, 2 do
    names[#names + 1] = jobs[n]
  end
  redis.call('SET', grant, table.concat(names), 'PX', length)
  if ARGV[10] ~= '' then
    redis.call('SET', CIRCUIT, ARGV[10])
  end
end
local ahead = ''
if due < room then
  ahead = next_ahead()
end
return { 'ok', now, waiting(), due, ahead, string.format('%.17g', tokens), table.concat(policy, ' '), jobs }
