-- Reads the oldest events that a group still has to deal with and nobody else keeps, and keeps them for the reader.
--
-- ARGV[3]  group     ARGV[4]  consumer
-- ARGV[5]  how many are wanted
-- ARGV[6]  for how many milliseconds to keep them; 0: not at all; then the group stays as it is, but for what the
--          reader had kept, which is free again
-- ARGV[7]  the id after which to begin
-- ARGV[8]  how many to look at, from 1 to 500
-- ARGV[9..] subjects of which an earlier event is kept by somebody else: none of theirs is handed out
-- Returns 'ok', time, the id after which to go on or '' if there is nothing more to look at, for each event its id, the
-- event, '1' if it must be cleaned, and the subjects to add to those held up; or 'unknown', time

local now, stop = begin()
if stop then
  return stop
end
local name, consumer = ARGV[3], ARGV[4]
local wanted, length = tonumber(ARGV[5]), tonumber(ARGV[6])
local after, budget = ARGV[7], tonumber(ARGV[8])
local group = group_named(name)
if not group then
  return { 'unknown', now }
end
local keeps = length > 0
local claims, ahead = CLAIMS .. name, AHEAD .. name

local is_held_up, held_up = {}, {}
for n = 9, #ARGV do
  is_held_up[ARGV[n]] = true
end
local handed, taken = {}, 0
-- Ids by what becomes of them: kept by the reader, kept by nobody, done.
local kept, freed, done = {}, {}, {}

local function kept_claims(ids)
  if #ids == 0 or redis.call('EXISTS', claims) == 0 then
    return {}
  end
  return redis.call('HMGET', claims, unpack(ids))
end

-- Makes them a consumer's.
local function give(to, given)
  local rest = { unpack(given) }
  rest[#rest + 1] = 'JUSTID'
  redis.call('XCLAIM', OUTBOX, name, to, 0, unpack(rest))
end

local function hold_up(subject)
  if subject and not is_held_up[subject] then
    is_held_up[subject] = true
    held_up[#held_up + 1] = subject
  end
end

local function hand_out(id, event, subject)
  taken = taken + 1
  handed[#handed + 1] = id
  handed[#handed + 1] = event
  handed[#handed + 1] = is_erased(subject) and '1' or ''
end

-- First what is pending.
local pending = {}
if wanted > 0 then
  pending = redis.call('XPENDING', OUTBOX, name, '(' .. after, '+', budget)
end
local ids = {}
for n, one in ipairs(pending) do
  ids[n] = one[1]
end
local known = kept_claims(ids)

-- A pending event that nobody of us keeps was taken by a program that reads the stream by itself.
local function is_kept_elsewhere(owner, idle, stored)
  if owner == UNCLAIMED or owner == consumer then
    return false
  end
  if stored then
    local keeper, till = claimant(stored)
    if keeper == owner then
      return till > now
    end
  end
  return idle < math.max(length, STRANGERS_CLAIM)
end

for n, one in ipairs(pending) do
  if taken == wanted then
    break
  end
  local id, owner, idle = one[1], one[2], one[3]
  after = id
  local entry = redis.call('XRANGE', OUTBOX, id, id)[1]
  local event = entry and event_in(entry)
  local subject = event and subject_and_time(event)
  if not event then
    done[#done + 1] = id
  elseif is_kept_elsewhere(owner, idle, known[n]) then
    hold_up(subject)
  elseif not is_held_up[subject or ''] then
    hand_out(id, event, subject)
    if keeps then
      kept[#kept + 1] = id
    elseif owner == consumer then
      freed[#freed + 1] = id
    end
  end
end

-- Then what was not delivered yet.
local function next_ones(most)
  if not keeps then
    local from = is_later(group.last, after) and group.last or after
    return redis.call('XRANGE', OUTBOX, '(' .. from, '+', 'COUNT', most)
  end
  local read = redis.call(
    'XREADGROUP', 'GROUP', name, consumer, 'COUNT', most, 'STREAMS', OUTBOX, '>')
  return read and read[1] and read[1][2] or {}
end

-- What the others keep of it: events that were kept already when they were moved to the end to be cleaned.
local function is_kept_already(id, stored)
  if not stored then
    return false
  end
  local keeper, till = claimant(stored)
  if keeper == consumer or till <= now then
    return false
  end
  if keeps then
    give(keeper, { id })
  end
  return true
end

local is_at_end = #pending < budget
budget = budget - #pending
local some_ahead = is_at_end and redis.call('EXISTS', ahead) == 1
while is_at_end and taken < wanted and budget > 0 do
  local most = math.min(wanted - taken, budget)
  local entries = next_ones(most)
  budget = budget - #entries
  ids = {}
  for n, entry in ipairs(entries) do
    ids[n] = entry[1]
  end
  known = kept_claims(ids)
  for n, entry in ipairs(entries) do
    local id, event = entry[1], event_in(entry)
    local subject = event and subject_and_time(event)
    after = id
    if not event or some_ahead and redis.call('ZSCORE', ahead, id) then
      done[#done + 1] = id
    elseif is_kept_already(id, known[n]) then
      hold_up(subject)
    elseif is_held_up[subject or ''] then
      freed[#freed + 1] = keeps and id or nil
    else
      hand_out(id, event, subject)
      kept[#kept + 1] = id
    end
  end
  if #entries < most then
    after = ''
    break
  end
end
if taken == wanted then
  after = ''
end

if #freed > 0 then
  give(UNCLAIMED, freed)
  redis.call('HDEL', claims, unpack(freed))
end
if keeps then
  if #done > 0 then
    redis.call('XACK', OUTBOX, name, unpack(done))
    redis.call('ZREM', ahead, unpack(done))
  end
  if #kept > 0 then
    give(consumer, kept)
    local marks, mark = {}, claim(consumer, now + length)
    for _, id in ipairs(kept) do
      marks[#marks + 1] = id
      marks[#marks + 1] = mark
    end
    redis.call('HSET', claims, unpack(marks))
  end
end
return { 'ok', now, after, handed, held_up }
