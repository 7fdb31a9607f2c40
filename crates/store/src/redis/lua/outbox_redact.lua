-- Replaces the events of an erased onboarding by clean copies.
--
-- An entry of a stream cannot be changed. So the entries are deleted and their copies appended at the end, in their order;
-- the caller names all entries of the onboarding from the first one that must be cleaned on, so that its order stays.
-- Each group stands to a copy as it stood to the original: done with it, or keeping it for a reader.
--
-- ARGV[3]  onboarding, as a subject
-- ARGV[4]  the id up to which the caller has looked for its events
-- ARGV[5..] the events: pairs of id and clean copy, or '' to delete what cannot be read
-- Returns 'ok', time, how many were replaced; or 'again', time: more may have been written of it, look on

local now, stop = begin()
if stop then
  return stop
end
local onboarding, looked_up_to = ARGV[3], ARGV[4]
-- At most so many events are looked at here.
local PAGE = 500

if redis.call('SISMEMBER', REDACT, onboarding) == 0 then
  return { 'ok', now, 0 }
end
local later = redis.call('XRANGE', OUTBOX, '(' .. looked_up_to, '+', 'COUNT', PAGE)
if #later == PAGE then
  return { 'again', now }
end
for _, entry in ipairs(later) do
  if subject_and_time(event_in(entry) or '') == onboarding then
    return { 'again', now }
  end
end

-- What has been trimmed meanwhile is clean enough.
local ids, copies = {}, {}
for n = 5, #ARGV, 2 do
  if #redis.call('XRANGE', OUTBOX, ARGV[n], ARGV[n]) > 0 then
    ids[#ids + 1] = ARGV[n]
    copies[#copies + 1] = ARGV[n + 1]
  end
end

-- How a group stands to an event: 'open', 'done', or the claim of the one who has it.
local function standing(group, id)
  if is_later(id, group.last) then
    local stored = redis.call('HGET', CLAIMS .. group.name, id)
    return redis.call('ZSCORE', AHEAD .. group.name, id) and 'done' or stored or 'open'
  end
  local one = redis.call('XPENDING', OUTBOX, group.name, id, id, 1)[1]
  if not one then
    return 'done'
  end
  local owner = one[2]
  if owner == UNCLAIMED then
    return 'open'
  end
  local stored = redis.call('HGET', CLAIMS .. group.name, id)
  if stored and claimant(stored) == owner then
    return stored
  end
  return claim(owner, now + STRANGERS_CLAIM)
end

local all = groups()
for _, group in ipairs(all) do
  group.standing = {}
  for n, id in ipairs(ids) do
    group.standing[n] = standing(group, id)
  end
end

local function forget(group, id)
  redis.call('XACK', OUTBOX, group.name, id)
  redis.call('ZREM', AHEAD .. group.name, id)
  redis.call('HDEL', CLAIMS .. group.name, id)
end

for n, id in ipairs(ids) do
  local _, number = numbers(id)
  redis.call('XDEL', OUTBOX, id)
  redis.call('ZADD', HOLES, number, id)
  local copy = copies[n] ~= '' and append({ copies[n] })[1]
  for _, group in ipairs(all) do
    forget(group, id)
    local how = group.standing[n]
    if copy and how == 'done' then
      local _, place = numbers(copy)
      redis.call('ZADD', AHEAD .. group.name, place, copy)
    elseif copy and how ~= 'open' then
      redis.call('HSET', CLAIMS .. group.name, copy, how)
    end
  end
end
for _, group in ipairs(all) do
  advance(group)
end
redis.call('SREM', REDACT, onboarding)
return { 'ok', now, #ids }
