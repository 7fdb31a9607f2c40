-- Writes what the caller has decided on what it has read: all of it, or nothing if any of it has changed since.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  the revision of the circuit that the decision stands on; 'any' if on none
-- ARGV[4]  the circuit as it is now; '' if unchanged
-- ARGV[5]  '1': wakes idle workers in any case
-- ARGV[6]  how many onboardings follow, each as
--   id, expected, value, count of steps, and the steps, each a letter and its arguments (see `arity`)
--     expected: 8 bytes: the revision; 'new': must be unknown; 'row' + ledger row: must have that row; '': a lease among
--     its steps proves it, because whoever writes an onboarding changes the leases that stay
--     value: '' deletes the stored value, '=' leaves it, else the new one
-- ARGV[..] events, in their order
-- Returns 'ok', time, whether idle workers were woken; 'changed', time, number (from 1) of an onboarding that has changed;
--   'circuit', time, circuit: that has changed

local now, stop = begin()
if stop then
  return stop
end

-- Counters by name, with the steps that move them: SUMS 's<stage>', 'w', 'l<kind>', 'd<kind>'.
local arity = {
  L = 1, -- ledger entry of the onboarding: '' or its row
  z = 3, -- kind and lane, due, member: the job waits
  x = 2, -- kind and lane, member: waited, and must still
  t = 2, -- kind, due: waits after a failure
  u = 1, -- kind: no longer
  l = 2, -- kind, held: was leased, and must still; the lease ends
  m = 3, -- kind, held, held anew: is leased, and must still; stays so
  w = 1, -- kind: must not be leased
  S = 1, -- kind: is no longer leased alone
  a = 1, -- kind: is a dead letter
  b = 1, -- kind: is none any more
  e = 1, -- keyed e-mail: must be free or its own; becomes its own
  E = 1, -- keyed e-mail: is free
  f = 1, -- digest of the reference: leads here
  F = 1, -- digest of the reference: no longer
  c = 1, -- digest of the customer id: leads here
  C = 1, -- digest of the customer id: no longer
  n = 2, -- sum, difference
  i = 3, -- import, sum, difference
  p = 2, -- time of the end, member: may be pruned
  P = 1, -- member: may not
  R = 0, -- its events must be cleaned
}

local circuit = ARGV[3]
if circuit ~= 'any' then
  local found = redis.call('GET', CIRCUIT) or ''
  if string.sub(found, 1, 8) ~= circuit then
    return { 'circuit', now, found }
  end
end

local function job(id, kind)
  return id .. kind_char(tonumber(kind))
end

-- Whether the onboarding is as the caller believes, but for its leases, which are compared together.
local leased, proofs = {}, {}
local function is_as_expected(id, expected, p, count)
  if #expected == 8 then
    if redis.call('GETRANGE', ONBOARDING .. id, 0, 7) ~= expected then
      return false
    end
  elseif expected == 'new' then
    if redis.call('HEXISTS', bucket(LEDGER, id), id) == 1 then
      return false
    end
  elseif expected ~= '' then
    if redis.call('HGET', bucket(LEDGER, id), id) ~= string.sub(expected, 4) then
      return false
    end
  end
  for _ = 1, count do
    local step = ARGV[p]
    if step == 'l' or step == 'm' then
      leased[#leased + 1] = job(id, ARGV[p + 1])
      proofs[#proofs + 1] = ARGV[p + 2]
    elseif step == 'w' then
      leased[#leased + 1] = job(id, ARGV[p + 1])
      proofs[#proofs + 1] = false
    elseif step == 'x' then
      if not redis.call('ZSCORE', DUE .. ARGV[p + 1], ARGV[p + 2]) then
        return false
      end
    elseif step == 'e' then
      local owner = redis.call('HGET', bucket(EMAIL, ARGV[p + 1]), ARGV[p + 1])
      if owner and owner ~= id then
        return false
      end
    end
    p = p + 1 + arity[step]
  end
  return true, p
end

local items, counts = {}, {}
local at = 7
for number = 1, tonumber(ARGV[6]) do
  local count = tonumber(ARGV[at + 3])
  local as_expected, past = is_as_expected(ARGV[at], ARGV[at + 1], at + 4, count)
  if not as_expected then
    return { 'changed', now, number }
  end
  items[number], counts[number] = at, count
  at = past
end
if #leased > 0 then
  local held = redis.call('HMGET', HELD, unpack(leased))
  for n, proof in ipairs(proofs) do
    if held[n] ~= proof then
      return { 'changed', now, n }
    end
  end
end

-- What many onboardings have in common is written together.
local add, remove, sums, by_import = {}, {}, {}, {}
local unleased = {}

local function push(lists, key, a, b)
  local list = lists[key]
  if not list then
    list = {}
    lists[key] = list
  end
  list[#list + 1] = a
  if b then
    list[#list + 1] = b
  end
end

local function sum(name, difference)
  sums[name] = (sums[name] or 0) + difference
end

-- An index entry goes only if it still leads here.
local function unlink(key, field, id)
  local key_of_bucket = bucket(key, field)
  if redis.call('HGET', key_of_bucket, field) == id then
    redis.call('HDEL', key_of_bucket, field)
  end
end

local steps = {
  L = function(id, p) redis.call('HSET', bucket(LEDGER, id), id, ARGV[p + 1]) end,
  z = function(_, p) push(add, DUE .. ARGV[p + 1], ARGV[p + 2], ARGV[p + 3]) end,
  x = function(_, p) push(remove, DUE .. ARGV[p + 1], ARGV[p + 2]) end,
  t = function(id, p) redis.call('ZADD', RETRY .. ARGV[p + 1], ARGV[p + 2], id) end,
  u = function(id, p) redis.call('ZREM', RETRY .. ARGV[p + 1], id) end,
  l = function(id, p)
    local member = job(id, ARGV[p + 1])
    unleased[#unleased + 1] = member
    sum('l' .. ARGV[p + 1], -1)
  end,
  m = function(id, p) redis.call('HSET', HELD, job(id, ARGV[p + 1]), ARGV[p + 3]) end,
  w = function() end,
  S = function(id, p) redis.call('HDEL', SUSPECTS, job(id, ARGV[p + 1])) end,
  a = function(id, p)
    redis.call('ZADD', DEAD, 0, job(id, ARGV[p + 1]))
    sum('d' .. ARGV[p + 1], 1)
  end,
  b = function(id, p)
    redis.call('ZREM', DEAD, job(id, ARGV[p + 1]))
    sum('d' .. ARGV[p + 1], -1)
  end,
  e = function(id, p) redis.call('HSET', bucket(EMAIL, ARGV[p + 1]), ARGV[p + 1], id) end,
  E = function(id, p) unlink(EMAIL, ARGV[p + 1], id) end,
  f = function(id, p) redis.call('HSET', bucket(REFERENCE, ARGV[p + 1]), ARGV[p + 1], id) end,
  F = function(id, p) unlink(REFERENCE, ARGV[p + 1], id) end,
  c = function(id, p) redis.call('HSET', bucket(CUSTOMER, ARGV[p + 1]), ARGV[p + 1], id) end,
  C = function(id, p) unlink(CUSTOMER, ARGV[p + 1], id) end,
  n = function(_, p) sum(ARGV[p + 1], tonumber(ARGV[p + 2])) end,
  i = function(_, p)
    local of_import = by_import[ARGV[p + 1]]
    if not of_import then
      of_import = {}
      by_import[ARGV[p + 1]] = of_import
    end
    of_import[ARGV[p + 2]] = (of_import[ARGV[p + 2]] or 0) + tonumber(ARGV[p + 3])
  end,
  p = function(_, p) redis.call('ZADD', ENDED, ARGV[p + 1], ARGV[p + 2]) end,
  P = function(_, p) redis.call('ZREM', ENDED, ARGV[p + 1]) end,
  R = function(id) redis.call('SADD', REDACT, subject_of(id)) end,
}

local values, gone = {}, {}
for number, item in ipairs(items) do
  local id, value = ARGV[item], ARGV[item + 2]
  if value == '' then
    gone[#gone + 1] = ONBOARDING .. id
  elseif value ~= '=' then
    values[#values + 1] = ONBOARDING .. id
    values[#values + 1] = value
  end
  local p = item + 4
  for _ = 1, counts[number] do
    local step = ARGV[p]
    steps[step](id, p)
    p = p + 1 + arity[step]
  end
end
if #values > 0 then
  redis.call('MSET', unpack(values))
end
if #gone > 0 then
  redis.call('DEL', unpack(gone))
end

local events = {}
for n = at, #ARGV do
  events[#events + 1] = ARGV[n]
end
append(events)
if #unleased > 0 then
  redis.call('ZREM', LEASES, unpack(unleased))
  redis.call('HDEL', HELD, unpack(unleased))
end
for key, members in pairs(remove) do
  redis.call('ZREM', key, unpack(members))
end
local must_wake = ARGV[5] == '1'
for key, pairs_of_lane in pairs(add) do
  local earliest = math.huge
  for n = 1, #pairs_of_lane, 2 do
    earliest = math.min(earliest, tonumber(pairs_of_lane[n]))
  end
  local first = head(key)
  -- Only what is due before all that waits in its lane can matter to somebody who sleeps until that is due.
  must_wake = must_wake or not first or earliest < first
  redis.call('ZADD', key, unpack(pairs_of_lane))
end
for name, difference in pairs(sums) do
  if difference ~= 0 then
    redis.call('HINCRBY', SUMS, name, difference)
  end
end
for import, of_import in pairs(by_import) do
  for name, difference in pairs(of_import) do
    if difference ~= 0 then
      redis.call('HINCRBY', IMPORT .. import, name, difference)
    end
  end
end
if ARGV[4] ~= '' then
  redis.call('SET', CIRCUIT, ARGV[4])
  must_wake = true
end
if must_wake then
  wake()
end
return { 'ok', now, must_wake and 1 or 0 }
