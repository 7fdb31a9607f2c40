-- What scripts need to know of an event, found in its text; the text is that of `Event::to_cloud_event`.

-- The event in an entry of the stream; none if a stranger wrote it.
local function event_in(entry)
  local fields = entry[2]
  for n = 1, #fields, 2 do
    if fields[n] == 'event' then
      return fields[n + 1]
    end
  end
end

-- Whose it is, and when it was written. Quotes within a text are escaped, so no text can look like these fields.
local function subject_and_time(event)
  -- A plain search first: a pattern would be tried at every character before.
  local at = string.find(event, '"subject":"', 1, true)
  if at then
    return string.match(event, '^"subject":"([%x-]+)","time":"([^"]+)"', at)
  end
end

local some_erased

-- Whether what is personal must still be taken out of the events of that subject.
local function is_erased(subject)
  if some_erased == nil then
    some_erased = redis.call('EXISTS', REDACT) == 1
  end
  if not some_erased or not subject then
    return false
  end
  return redis.call('SISMEMBER', REDACT, subject) == 1
end
