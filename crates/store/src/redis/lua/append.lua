-- Appending to the outbox.
--
-- The id of an entry is the number of the epoch and the number of the event, which counts on for ever: so a place in the
-- outbox is a small number, distances are differences, and after a rollback no id is given twice.

-- Appends events; answers their ids.
local function append(events)
  local ids = {}
  if #events == 0 then
    return ids
  end
  local epoch = redis.call('HGET', META, 'epoch_number')
  local before = redis.call('HINCRBY', META, 'events', #events) - #events
  for n, event in ipairs(events) do
    local id = string.format('%s-%.0f', epoch, before + n)
    local added = redis.pcall('XADD', OUTBOX, id, 'event', event)
    if type(added) == 'table' then
      -- A stranger has written into the stream, under a later id: ours must go behind it, for half a write would be worse.
      added = redis.call('XADD', OUTBOX, '*', 'event', event)
    end
    ids[n] = added
  end
  return ids
end

-- An onboarding as its events have it: the text of its sixteen bytes.
local function subject_of(id)
  local hex = string.gsub(id, '.', function(byte)
    return string.format('%02x', string.byte(byte))
  end)
  return (string.gsub(hex, '^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)', '%1-%2-%3-%4-'))
end
