-- Reads events in order, without any group.
--
-- ARGV[3]  the id after which to begin   ARGV[4]  how many to look at, at most 500
-- ARGV[5]  '1': tells only those that must still be cleaned
-- Returns 'ok', time, the last id looked at or '' if there was none, and for each event its id, the event, '1' if it must
-- be cleaned

local now, stop = look()
if stop then
  return stop
end
local entries = redis.call('XRANGE', OUTBOX, '(' .. ARGV[3], '+', 'COUNT', ARGV[4])
local told = {}
for _, entry in ipairs(entries) do
  local event = event_in(entry) or ''
  local erased = is_erased((subject_and_time(event)))
  if erased or ARGV[5] ~= '1' then
    told[#told + 1] = entry[1]
    told[#told + 1] = event
    told[#told + 1] = erased and '1' or ''
  end
end
local last = entries[#entries]
return { 'ok', now, last and last[1] or '', told }
