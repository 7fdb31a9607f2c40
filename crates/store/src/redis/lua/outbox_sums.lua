-- How many events there are, and how many each group still has to deal with.
--
-- Returns 'ok', time, length of the outbox, and for each group its name and that number

local now, stop = look()
if stop then
  return stop
end
local last = redis.call('XREVRANGE', OUTBOX, '+', '-', 'COUNT', 1)[1]

-- Events are numbered, so their number is a difference, but for those that were taken out of the middle.
local function undelivered(group)
  local first = redis.call('XRANGE', OUTBOX, '(' .. group.last, '+', 'COUNT', 1)[1]
  if not first then
    return 0
  end
  local _, from = numbers(first[1])
  local _, to = numbers(last[1])
  local holes = redis.call('ZCOUNT', HOLES, from, to)
  local ahead = redis.call('ZCOUNT', AHEAD .. group.name, from, to)
  return math.max(to - from + 1 - holes - ahead, 0)
end

local lags = {}
for _, group in ipairs(groups()) do
  lags[#lags + 1] = group.name
  lags[#lags + 1] = undelivered(group) + group.pending
end
return { 'ok', now, redis.call('XLEN', OUTBOX), lags }
