-- What every script begins with: the store's time, and whether the caller still knows the right life of the store.
--
-- KEYS[1]  the namespace in braces
-- ARGV[1]  the time that a test has set, in milliseconds; '' for the server's own
-- ARGV[2]  the epoch that the caller knows; '' if it does not matter
--
-- A reply is a list whose first element is a word. 'missing': there is no store (any more). 'epoch': another life of the
-- store has begun. Else the second element is the store's time.

-- A silence of so many milliseconds is never a gap in the life of the store: nobody may have had anything to say.
local SILENCE = 1000

local function kind_char(kind)
  return string.char(kind)
end

-- Four lanes a kind: the parked behind the others, and of each those first that a worker died over.
local function lane(kind, parked, plain)
  return DUE .. (kind * 4 + parked * 2 + plain)
end

local function bucket(key, id)
  return key .. string.sub(id, 1, 2)
end

local function head(key)
  return tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
end

local function wake()
  redis.call('XADD', WAKE, 'MAXLEN', 1, '*', 'w', '')
end

local function known_time(meta)
  local tick = tonumber(meta[2])
  if ARGV[1] ~= '' then
    return math.max(tonumber(ARGV[1]), tick), tick
  end
  local time = redis.call('TIME')
  return math.max(time[1] * 1000 + math.floor(time[2] / 1000), tick), tick
end

local function foreign(meta)
  if not meta[1] then
    return { 'missing' }
  end
  if ARGV[2] ~= '' and ARGV[2] ~= meta[1] then
    return { 'epoch' }
  end
end

-- For scripts that only read.
local function look()
  local meta = redis.call('HMGET', META, 'epoch', 'tick')
  local stop = foreign(meta)
  if stop then
    return nil, stop
  end
  return (known_time(meta))
end

-- If nobody used the store for so long that leases may have run out which their workers could not renew, it was away itself,
-- or its clock jumped: then no lease is taken back until the longest one would have run out, had time stood still. Workers
-- renew at a third of a lease, so while one lives, no silence lasts half as long as the longest lease does.
local function grace_after(tick, now)
  local last = now - tick > SILENCE and redis.call('ZRANGE', LEASES, -1, -1, 'WITHSCORES')[2]
  local left = last and tonumber(last) - tick or 0
  if left > 0 and now - tick > left / 2 then
    return now + left
  end
end

-- For scripts that write. Time never goes back.
local function begin()
  local meta = redis.call('HMGET', META, 'epoch', 'tick')
  local stop = foreign(meta)
  if stop then
    return nil, stop
  end
  local now, tick = known_time(meta)
  if now > tick then
    local grace = ARGV[1] == '' and grace_after(tick, now)
    if grace then
      redis.call('HSET', META, 'tick', now, 'grace', grace)
    else
      redis.call('HSET', META, 'tick', now)
    end
  end
  return now
end
