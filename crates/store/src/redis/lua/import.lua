-- Begins an import, or notes how far it has come.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  'begin': ARGV[4] digest of the file, [5] its name, [6] owner, [7] the owner's patience in milliseconds,
--          [8] 16 bytes for a new import, [9] the checkpoint of a new import
-- ARGV[3]  'progress' or 'end': ARGV[4] import, [5] owner, [6] checkpoint
-- Returns to 'begin' 'ok', time, 'new' and import; 'resumed', import and checkpoint; or 'busy' and for how many milliseconds;
--   else 'ok', time, 1 if the owner still has it

local now, stop = begin()
if stop then
  return stop
end
if ARGV[3] == 'begin' then
  local digest, owner, patience = ARGV[4], ARGV[6], tonumber(ARGV[7])
  local id = redis.call('HGET', FILES, digest)
  if not id then
    id = ARGV[8]
    redis.call('HSET', FILES, digest, id)
    redis.call('HSET', IMPORT .. id, 'digest', digest, 'name', ARGV[5], 'owner', owner, 'patience', patience,
      'began_at', now, 'seen_at', now, 'checkpoint', ARGV[9])
    return { 'ok', now, 'new', id }
  end
  local key = IMPORT .. id
  local kept = redis.call('HMGET', key, 'owner', 'patience', 'seen_at', 'checkpoint')
  local silent = now - kept[3]
  if kept[1] ~= owner and silent <= tonumber(kept[2]) then
    return { 'ok', now, 'busy', kept[2] - silent }
  end
  redis.call('HSET', key, 'owner', owner, 'patience', patience, 'seen_at', now)
  -- The same owner asks again at the very beginning: its first reply was lost.
  if kept[1] == owner and kept[4] == ARGV[9] then
    return { 'ok', now, 'new', id }
  end
  return { 'ok', now, 'resumed', id, kept[4] }
end

local key = IMPORT .. ARGV[4]
local kept = redis.call('HMGET', key, 'owner', 'ended_at', 'digest')
if kept[1] ~= ARGV[5] then
  return { 'ok', now, 0 }
end
if not kept[2] then
  redis.call('HSET', key, 'checkpoint', ARGV[6], 'seen_at', now)
end
if ARGV[3] == 'progress' then
  return { 'ok', now, kept[2] and 0 or 1 }
end
if not kept[2] then
  redis.call('HSET', key, 'ended_at', now)
  redis.call('HDEL', FILES, kept[3])
end
return { 'ok', now, 1 }
