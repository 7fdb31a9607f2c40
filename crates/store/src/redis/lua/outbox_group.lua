-- Registers a group of consumers, or removes it.
--
-- ARGV[3]  'add' or 'remove'   ARGV[4]  group
-- ARGV[5]  with 'add': '0' to read from the beginning, '$' to read what comes from now on
-- Returns 'ok', time, 1 if that changed anything

local now, stop = begin()
if stop then
  return stop
end
local group = ARGV[4]
local changed = 0
if ARGV[3] == 'add' then
  local made = redis.pcall('XGROUP', 'CREATE', OUTBOX, group, ARGV[5], 'MKSTREAM')
  if made.err then
    if string.find(made.err, 'BUSYGROUP', 1, true) then
      return { 'ok', now, 0 }
    end
    return made
  end
  changed = 1
elseif redis.call('EXISTS', OUTBOX) == 1 then
  changed = redis.call('XGROUP', 'DESTROY', OUTBOX, group)
end
-- What is known of an earlier group of that name says nothing about the next.
redis.call('DEL', CLAIMS .. group, AHEAD .. group)
return { 'ok', now, changed }
