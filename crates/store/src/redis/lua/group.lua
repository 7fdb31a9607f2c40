-- Groups: the consumer groups of the stream, whoever made them.
--
-- A group still has to deal with what it was not delivered yet, but for what was acknowledged ahead of that (AHEAD), and
-- with what is pending. Who keeps a pending event from the others, and until when, is in CLAIMS: the idle time of the
-- server would not do, for it is not the store's time, and claims differ in length.

-- The consumer that pending events have which nobody keeps.
local UNCLAIMED = 'gangway-unclaimed'
-- So long a program that reads the stream by itself keeps an event from our readers.
local STRANGERS_CLAIM = 60000

-- The two numbers of an id: that of the epoch, that of the event.
local function numbers(id)
  local epoch, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(epoch), tonumber(number)
end

local function is_later(a, b)
  local epoch_a, number_a = numbers(a)
  local epoch_b, number_b = numbers(b)
  return epoch_a > epoch_b or epoch_a == epoch_b and number_a > number_b
end

local function groups()
  local found = {}
  local told = redis.pcall('XINFO', 'GROUPS', OUTBOX)
  if told.err then
    return found
  end
  for n, fields in ipairs(told) do
    local group = {}
    for at = 1, #fields, 2 do
      group[fields[at]] = fields[at + 1]
    end
    found[n] = {
      name = group['name'],
      -- The last event that was delivered.
      last = group['last-delivered-id'],
      pending = group['pending'],
      consumers = group['consumers'],
    }
  end
  return found
end

local function group_named(name)
  for _, group in ipairs(groups()) do
    if group.name == name then
      return group
    end
  end
end

local function claim(consumer, till)
  return struct.pack('>d', till) .. consumer
end

-- Who keeps an event, and until when.
local function claimant(kept)
  return string.sub(kept, 9), (struct.unpack('>d', kept))
end

-- Delivers what comes next and was acknowledged ahead to nobody, so that it need not be remembered.
local function advance(group)
  local last, ahead = group.last, AHEAD .. group.name
  for _ = 1, 10 do
    if redis.call('EXISTS', ahead) == 0 then
      return
    end
    local next_ones, done = redis.call('XRANGE', OUTBOX, '(' .. last, '+', 'COUNT', 50), {}
    for n, entry in ipairs(next_ones) do
      if not redis.call('ZSCORE', ahead, entry[1]) then
        break
      end
      done[n] = entry[1]
    end
    if #done == 0 then
      return
    end
    redis.call('XREADGROUP', 'GROUP', group.name, UNCLAIMED, 'COUNT', #done, 'NOACK', 'STREAMS', OUTBOX, '>')
    redis.call('ZREM', ahead, unpack(done))
    last = done[#done]
    group.last = last
  end
end
