-- Deletes events from the beginning, as long as they are old and every group is done with them.
--
-- ARGV[3]  the time before which an event is old, as events have it
-- ARGV[4]  how many to delete, at most 500
-- Returns 'ok', time, how many were deleted, 1 if there may be more to do

local now, stop = begin()
if stop then
  return stop
end
local older_than, most = ARGV[3], tonumber(ARGV[4])
-- So many of a group's pending events are looked at in one go.
local PAGE = 100
-- A group with more consumers than this forgets those that have nothing pending and were not seen for a day.
local MANY, DAY = 100, 86400000
local more = 0

-- What is pending but no longer there was deleted by another hand; nobody will ever acknowledge it.
local function forget_gone(group)
  local gone = {}
  for n, one in ipairs(redis.call('XPENDING', OUTBOX, group.name, '-', '+', PAGE)) do
    if #redis.call('XRANGE', OUTBOX, one[1], one[1]) > 0 then
      break
    end
    gone[n] = one[1]
  end
  if #gone > 0 then
    redis.call('XACK', OUTBOX, group.name, unpack(gone))
    redis.call('HDEL', CLAIMS .. group.name, unpack(gone))
  end
  if #gone == PAGE then
    more = 1
  end
end

local function forget_consumers(group)
  if group.consumers <= MANY then
    return
  end
  for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', OUTBOX, group.name)) do
    local consumer = {}
    for at = 1, #fields, 2 do
      consumer[fields[at]] = fields[at + 1]
    end
    if consumer['pending'] == 0 and consumer['idle'] > DAY then
      redis.call('XGROUP', 'DELCONSUMER', OUTBOX, group.name, consumer['name'])
    end
  end
end

local all = groups()
for _, group in ipairs(all) do
  forget_gone(group)
  forget_consumers(group)
  advance(group)
  local first = redis.call('XPENDING', OUTBOX, group.name, '-', '+', 1)[1]
  group.first_pending = first and first[1]
end

local function is_done(id)
  for _, group in ipairs(all) do
    if is_later(id, group.last) or group.first_pending and not is_later(group.first_pending, id) then
      return false
    end
  end
  return true
end

local function is_old(entry)
  local _, time = subject_and_time(event_in(entry) or '')
  return not time or time < older_than
end

local old = {}
for n, entry in ipairs(redis.call('XRANGE', OUTBOX, '-', '+', 'COUNT', most)) do
  if not is_old(entry) or not is_done(entry[1]) then
    break
  end
  old[n] = entry[1]
end
if #old > 0 then
  local last = old[#old]
  local epoch, number = numbers(last)
  redis.call('XTRIM', OUTBOX, 'MINID', '=', string.format('%.0f-%.0f', epoch, number + 1))
  redis.call('ZREMRANGEBYSCORE', HOLES, '-inf', number)
  for _, group in ipairs(all) do
    redis.call('ZREMRANGEBYSCORE', AHEAD .. group.name, '-inf', number)
    redis.call('HDEL', CLAIMS .. group.name, unpack(old))
  end
  if #old == most then
    more = 1
  end
end
return { 'ok', now, #old, more }
