-- The rate limit, as `gangway_jobs::limits` has it: a bucket for each class of calls, what one cannot hold flows into the
-- others. The policy comes with the call, unless people have set one for all workers.

-- A bucket holds what comes in in two seconds: no token is older.
local HORIZON = 2
local EPSILON = 1e-9

-- The policy as four numbers: calls per second, then the shares of the three classes.
local function limits(at)
  local set = redis.call('GET', LIMITS)
  local policy = {}
  if set then
    for number in string.gmatch(set, '%S+') do
      policy[#policy + 1] = tonumber(number)
    end
  else
    for n = 0, 3 do
      policy[n + 1] = tonumber(ARGV[at + n])
    end
  end
  return policy
end

local function capacity(policy, class)
  return math.max(policy[1] * policy[class + 1] * HORIZON, 1)
end

local function pour(policy, tokens, class, amount)
  local room = math.max(capacity(policy, class) - tokens[class], 0)
  local poured = math.min(amount, room)
  tokens[class] = tokens[class] + poured
  return amount - poured
end

local function filled(policy, now)
  local tokens = {}
  local kept = redis.call('GET', BUCKET)
  if not kept then
    for class = 1, 3 do
      tokens[class] = capacity(policy, class)
    end
    return tokens, now
  end
  local a, b, c, at = struct.unpack('>dddd', kept)
  tokens = { a, b, c }
  local elapsed = math.max(now - at, 0) / 1000
  local over = 0
  for class = 1, 3 do
    tokens[class] = math.min(tokens[class], capacity(policy, class))
    over = over + pour(policy, tokens, class, policy[1] * policy[class + 1] * elapsed)
  end
  for class = 1, 3 do
    over = pour(policy, tokens, class, over)
  end
  return tokens, math.max(at, now)
end

-- Takes up to `wanted` tokens of a class (1 to 3); answers how many, and how many there are after it.
local function take_tokens(policy, class, wanted, now)
  local tokens, at = filled(policy, now)
  local taken = math.max(math.min(math.floor(tokens[class] + EPSILON), wanted), 0)
  tokens[class] = math.max(tokens[class] - taken, 0)
  redis.call('SET', BUCKET, struct.pack('>dddd', tokens[1], tokens[2], tokens[3], at))
  return taken, tokens[class]
end
