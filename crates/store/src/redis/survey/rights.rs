//! Whether the user that logs in may do what the store does.
//!
//! The server is asked, and nothing is tried: inside a script it tells whether the caller may run a command on a key.

use redis::{FromRedisValue as _, Value};

use crate::Error;

/// What the store's scripts call, and what it calls beside them; after a bar, the part of a command that is used.
const COMMANDS: &str = "\
    DEL EVALSHA EXISTS GET GETRANGE HDEL HEXISTS HGET HGETALL HINCRBY HKEYS HMGET HSCAN HSET HSETNX HVALS MGET SADD \
    SCRIPT|LOAD SET SISMEMBER SREM TIME XACK XADD XDEL XGROUP|CREATE XGROUP|DELCONSUMER XGROUP|DESTROY XINFO|CONSUMERS \
    XINFO|GROUPS XLEN XPENDING XRANGE XREAD XREADGROUP XREVRANGE XTRIM ZADD ZCARD ZCOUNT ZRANGE ZRANGEBYLEX ZRANGEBYSCORE \
    ZREM ZREMRANGEBYSCORE ZSCORE";

/// Answers with those of its arguments that the caller may not run on a key of the store. A command that the server does
/// not know is none to complain about here.
const ASK: &str = "\
local key, missing = KEYS[1] .. ':survey', {}
for _, name in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(name, '[^|]+') do words[#words + 1] = word end
  words[#words + 1] = key
  local known, may = pcall(redis.acl_check_cmd, unpack(words))
  if known and not may then missing[#missing + 1] = name end
end
return missing
";

/// What the user may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// All that the store needs.
    Granted,
    /// All but these commands on the store's keys.
    Missing(Vec<String>),
    /// The server did not tell.
    Unknown,
}

/// The question, for the store whose keys begin with `tag`.
pub(super) fn question(tag: &str) -> redis::Cmd {
    let mut cmd = redis::cmd("EVAL");
    cmd.arg(ASK).arg(1).arg(tag).arg(COMMANDS.split(' ').collect::<Vec<_>>());
    cmd
}

/// Reads the answer.
pub(super) fn read(answer: crate::Result<Value>) -> Rights {
    match answer {
        Ok(list) => match Vec::<String>::from_redis_value(list) {
            Ok(missing) if missing.is_empty() => Rights::Granted,
            Ok(missing) => Rights::Missing(missing),
            Err(_another_answer) => Rights::Unknown,
        },
        Err(Error::Redis { source, .. }) if source.code() == Some("NOPERM") => {
            Rights::Missing(vec!["EVAL".to_owned()])
        }
        Err(_not_answered) => Rights::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_command_of_a_script_is_asked_for() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/redis/lua");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let source = fs::read_to_string(&path).unwrap();
            for call in source.split("call('").skip(1) {
                let name = call.split('\'').next().unwrap();
                let asked = COMMANDS.split(' ').any(|command| command.split('|').next() == Some(name));
                assert!(asked, "{name} of {} is missing in COMMANDS", path.display());
            }
        }
    }

    #[test]
    fn an_answer_is_read() {
        let list = Value::Array(vec![Value::BulkString(b"HSET".to_vec())]);
        assert_eq!(read(Ok(list)), Rights::Missing(vec!["HSET".to_owned()]));
        assert_eq!(read(Ok(Value::Array(Vec::new()))), Rights::Granted);
        assert_eq!(read(Err(Error::Closed)), Rights::Unknown);
    }
}
