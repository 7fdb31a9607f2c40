-- Names onboardings that are kept, in the order of their ids.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  the first bucket to look into, 0 to 65535      ARGV[4]  the id after which to begin; '' for the beginning
-- ARGV[5]  how many ids are enough                        ARGV[6]  how many buckets to look into at most
-- Returns 'ok', time, the bucket to go on with (65536: there is none), ids

local now, stop = look()
if stop then
  return stop
end
local number, enough = tonumber(ARGV[3]), tonumber(ARGV[5])
local last = math.min(number + tonumber(ARGV[6]), 65536)
-- So many entries are looked at in one go: most may be ledger rows, which are passed over.
local MOST = 5000
local ids, seen = {}, 0
while number < last and #ids < enough and seen < MOST do
  local key = LEDGER .. string.char(math.floor(number / 256), number % 256)
  local here = {}
  local entries = redis.call('HGETALL', key)
  seen = seen + #entries / 2 + 1
  for n = 1, #entries, 2 do
    if entries[n + 1] == '' and entries[n] > ARGV[4] then
      here[#here + 1] = entries[n]
    end
  end
  table.sort(here)
  for _, id in ipairs(here) do
    ids[#ids + 1] = id
  end
  number = number + 1
end
return { 'ok', now, number, ids }
