-- Writes what the caller has decided on what it has read: all of it, or nothing if any of it has changed since.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  the revision of the circuit that the decision stands on; 'any' if on none
-- ARGV[4]  the circuit as it is now; '' if unchanged
-- ARGV[5]  '1': wakes idle workers in any case
-- ARGV[6..] sections, each a word, how many arguments follow, and those. First what must be:
--   revision  key, 8 bytes, …            the stored onboarding begins with them
--   row       key, id, ledger row, …     that is the onboarding's row
--   held      jobs, …, as many leases, … each job has that lease
--   ends      job, time, …               its lease ends then
--   free      jobs, …                    none has a lease
--   lane      key, member, …             the job waits there
--   new       key, id, …                 the onboarding is unknown; it is known from now on
--   email     key, e-mail, id, …         the keyed e-mail is free or its own; it is its own from now on
-- then what is written:
--   do        a command                  as it is
--   link      key, field, id, …          the index leads to the onboarding
--   unlink    key, field, id, …          it leads there no longer, if it does
--   wait      key, due, member, …        jobs wait in that lane
--   events    event, …                   in their order
-- Returns 'ok', time, whether idle workers were woken; 'changed', time, the word of what is not so;
--   'circuit', time, circuit: that has changed

local now, stop = begin()
if stop then
  return stop
end

local circuit = ARGV[3]
if circuit ~= 'any' then
  local found = redis.call('GET', CIRCUIT) or ''
  if string.sub(found, 1, 8) ~= circuit then
    return { 'circuit', now, found }
  end
end

local must_wake = ARGV[5] == '1'
-- What was claimed already, should a later claim fail.
local claimed = {}

local function claim(key, field, value)
  if redis.call('HSETNX', key, field, value) == 0 then
    return false
  end
  claimed[#claimed + 1] = { key, field }
  return true
end

local sections = {
  revision = function(from, to)
    for n = from, to, 2 do
      if redis.call('GETRANGE', ARGV[n], 0, 7) ~= ARGV[n + 1] then
        return false
      end
    end
    return true
  end,
  row = function(from, to)
    for n = from, to, 3 do
      if redis.call('HGET', ARGV[n], ARGV[n + 1]) ~= ARGV[n + 2] then
        return false
      end
    end
    return true
  end,
  held = function(from, to)
    local count = (to - from + 1) / 2
    local held = redis.call('HMGET', HELD, unpack(ARGV, from, from + count - 1))
    for n = 1, count do
      if held[n] ~= ARGV[from + count + n - 1] then
        return false
      end
    end
    return true
  end,
  ends = function(from, to)
    for n = from, to, 2 do
      if tonumber(redis.call('ZSCORE', LEASES, ARGV[n]) or 0) ~= tonumber(ARGV[n + 1]) then
        return false
      end
    end
    return true
  end,
  free = function(from, to)
    local held = redis.call('HMGET', HELD, unpack(ARGV, from, to))
    for n = 1, to - from + 1 do
      if held[n] then
        return false
      end
    end
    return true
  end,
  lane = function(from, to)
    for n = from, to, 2 do
      if not redis.call('ZSCORE', ARGV[n], ARGV[n + 1]) then
        return false
      end
    end
    return true
  end,
  new = function(from, to)
    for n = from, to, 2 do
      if not claim(ARGV[n], ARGV[n + 1], '') then
        return false
      end
    end
    return true
  end,
  email = function(from, to)
    for n = from, to, 3 do
      if
        not claim(ARGV[n], ARGV[n + 1], ARGV[n + 2])
        and redis.call('HGET', ARGV[n], ARGV[n + 1]) ~= ARGV[n + 2]
      then
        return false
      end
    end
    return true
  end,
  ['do'] = function(from, to)
    redis.call(unpack(ARGV, from, to))
    return true
  end,
  link = function(from, to)
    for n = from, to, 3 do
      redis.call('HSET', ARGV[n], ARGV[n + 1], ARGV[n + 2])
    end
    return true
  end,
  unlink = function(from, to)
    for n = from, to, 3 do
      if redis.call('HGET', ARGV[n], ARGV[n + 1]) == ARGV[n + 2] then
        redis.call('HDEL', ARGV[n], ARGV[n + 1])
      end
    end
    return true
  end,
  wait = function(from, to)
    local earliest = math.huge
    for n = from + 1, to, 2 do
      earliest = math.min(earliest, tonumber(ARGV[n]))
    end
    local first = head(ARGV[from])
    -- Only what is due before all that waits in its lane can matter to somebody who sleeps until that is due.
    must_wake = must_wake or not first or earliest < first
    redis.call('ZADD', unpack(ARGV, from, to))
    return true
  end,
  events = function(from, to)
    append({ unpack(ARGV, from, to) })
    return true
  end,
}

local at = 6
while at <= #ARGV do
  local word, count = ARGV[at], tonumber(ARGV[at + 1])
  if not sections[word](at + 2, at + 1 + count) then
    for _, it in ipairs(claimed) do
      redis.call('HDEL', it[1], it[2])
    end
    return { 'changed', now, word }
  end
  at = at + 2 + count
end

if ARGV[4] ~= '' then
  redis.call('SET', CIRCUIT, ARGV[4])
  must_wake = true
end
if must_wake then
  wake()
end
return { 'ok', now, must_wake and 1 or 0 }
