-- Acknowledges events.
--
-- ARGV[3]  group, then at most 500 ids
-- Returns 'ok', time, how many had not been acknowledged; or 'unknown', time

local now, stop = begin()
if stop then
  return stop
end
local group = group_named(ARGV[3])
if not group then
  return { 'unknown', now }
end
local ids = { unpack(ARGV, 4) }
if #ids == 0 then
  return { 'ok', now, 0 }
end
local count = redis.call('XACK', OUTBOX, group.name, unpack(ids))
redis.call('HDEL', CLAIMS .. group.name, unpack(ids))
local ahead = 0
for _, id in ipairs(ids) do
  -- Only what has been written: an acknowledgement ahead of its event would lose it.
  if is_later(id, group.last) and #redis.call('XRANGE', OUTBOX, id, id) > 0 then
    local _, number = numbers(id)
    ahead = ahead + redis.call('ZADD', AHEAD .. group.name, number, id)
  end
end
if ahead > 0 then
  advance(group)
end
return { 'ok', now, count + ahead }
