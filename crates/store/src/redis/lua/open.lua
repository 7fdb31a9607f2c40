-- Opens the store, makes it if it may, and sees whether the server has been restarted or replaced since.
--
-- KEYS[1]  the namespace in braces
-- ARGV[3]  'create' or 'found'        ARGV[4]  what it is to be made for, as JSON
-- ARGV[5]  version of the identity rules   ARGV[6]  version of this layout   ARGV[7]  the server's run id
-- Returns 'ok', time, made for, identity version, layout version, epoch, epoch number; or 'missing'

local meta = redis.call('HMGET', META, 'epoch', 'tick', 'run_id')
local now = known_time({ '', meta[2] or '0' })
if not meta[1] then
  if ARGV[3] ~= 'create' then
    return { 'missing' }
  end
  redis.call('HSET', META, 'made_for', ARGV[4], 'key_version', ARGV[5], 'layout', ARGV[6], 'run_id', ARGV[7],
    'epoch', now, 'epoch_number', 0, 'tick', now)
  redis.call('XGROUP', 'CREATE', OUTBOX, 'main', '0', 'MKSTREAM')
elseif meta[3] ~= ARGV[7] then
  -- Another process of the server: it may have lost the last second. Events that were read already may be written again,
  -- with other content under the same numbers; the next epoch tells them apart.
  redis.call('HSET', META, 'run_id', ARGV[7], 'epoch', math.max(now, meta[1] + 1))
  redis.call('HINCRBY', META, 'epoch_number', 1)
end
local found = redis.call('HMGET', META, 'made_for', 'key_version', 'layout', 'epoch', 'epoch_number')
return { 'ok', now, unpack(found) }
