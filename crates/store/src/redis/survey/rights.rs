//! Whether the user that logs in may do what the store does.
//!
//! The server is asked, and nothing is tried: inside a script it tells whether the caller may run a command. Each question
//! is a whole command: on one that lacks arguments, Redis up to 7.0.15 at least looks for its keys beyond its end and crashes.

use redis::{FromRedisValue as _, Value};

use crate::Error;

/// What the store's scripts call, and what it calls beside them: each with the fewest arguments that it takes. `K` stands
/// for a key of the store.
const QUESTIONS: &[&str] = &[
    "DEL K",
    "EVALSHA 0 1 K",
    "EXISTS K",
    "GET K",
    "GETRANGE K 0 1",
    "HDEL K f",
    "HEXISTS K f",
    "HGET K f",
    "HGETALL K",
    "HINCRBY K f 1",
    "HKEYS K",
    "HMGET K f",
    "HSCAN K 0",
    "HSET K f v",
    "HSETNX K f v",
    "HVALS K",
    "INFO server",
    "MGET K",
    "MSET K v",
    "PING",
    "SADD K m",
    "SCRIPT LOAD s",
    "SET K v",
    "SISMEMBER K m",
    "SRANDMEMBER K",
    "SREM K m",
    "TIME",
    "XACK K g 0",
    "XADD K * f v",
    "XCLAIM K g c 0 0",
    "XDEL K 0",
    "XGROUP CREATE K g 0",
    "XGROUP DELCONSUMER K g c",
    "XGROUP DESTROY K g",
    "XINFO CONSUMERS K g",
    "XINFO GROUPS K",
    "XLEN K",
    "XPENDING K g",
    "XRANGE K - +",
    "XREAD STREAMS K 0",
    "XREADGROUP GROUP g c STREAMS K 0",
    "XREVRANGE K + -",
    "XTRIM K MAXLEN 1",
    "ZADD K 1 m",
    "ZCARD K",
    "ZCOUNT K 0 1",
    "ZRANGE K 0 1",
    "ZRANGEBYLEX K - +",
    "ZRANGEBYSCORE K 0 1",
    "ZREM K m",
    "ZREMRANGEBYSCORE K 0 1",
    "ZSCORE K m",
];

/// Answers with those of its arguments that the caller may not run. A command that the server does not know is none to
/// complain about here.
const ASK: &str = "\
local missing = {}
for _, question in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(question, '%S+') do
    words[#words + 1] = word == 'K' and KEYS[1] .. ':survey' or word
  end
  local known, may = pcall(redis.acl_check_cmd, unpack(words))
  if known and not may then missing[#missing + 1] = question end
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
    cmd.arg(ASK).arg(1).arg(tag).arg(QUESTIONS);
    cmd
}

/// Reads the answer.
pub(super) fn read(answer: crate::Result<Value>) -> Rights {
    match answer {
        Ok(list) => match Vec::<String>::from_redis_value(list) {
            Ok(missing) if missing.is_empty() => Rights::Granted,
            Ok(missing) => Rights::Missing(missing.iter().map(|question| name(question)).collect()),
            Err(_another_answer) => Rights::Unknown,
        },
        Err(Error::Redis { source, .. }) if source.code() == Some("NOPERM") => {
            Rights::Missing(vec!["EVAL".to_owned()])
        }
        Err(_not_answered) => Rights::Unknown,
    }
}

/// `XGROUP CREATE` of `XGROUP CREATE K g 0`.
fn name(question: &str) -> String {
    let mut words = question.split(' ');
    let first = words.next().unwrap_or_default();
    match words.next().filter(|_| ["SCRIPT", "XGROUP", "XINFO"].contains(&first)) {
        Some(second) => format!("{first} {second}"),
        None => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use gangway_testkit::redis::Reply;

    use super::*;

    /// All sources of the store itself: neither its tests, nor the way to the server, which is there before any rights count.
    fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let ours = |path: &PathBuf| {
            let name = path.file_stem().unwrap();
            !["tests", "survey", "link"].iter().any(|other| name == *other)
        };
        entries
            .filter(ours)
            .flat_map(|path| match fs::read_to_string(&path) {
                Ok(source) => vec![(path, source)],
                Err(_folder) => sources(&path),
            })
            .collect()
    }

    #[test]
    fn every_command_of_the_store_is_asked_for() {
        let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/redis"));
        assert!(sources.iter().any(|(path, _)| path.ends_with("lua/lease.lua")));
        for (path, source) in sources {
            let in_lua = source.split("call('").skip(1).map(|rest| rest.split('\'').next().unwrap());
            let in_rust = source.split("redis::cmd(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
            for name in in_lua.chain(in_rust) {
                let asked = name == "EVAL"
                    || QUESTIONS.iter().any(|question| question.split(' ').next() == Some(name));
                assert!(asked, "{name} of {} is missing in QUESTIONS", path.display());
            }
        }
    }

    #[test]
    fn each_question_is_a_whole_command() {
        let server = gangway_testkit::redis::shared().unwrap();
        for question in QUESTIONS {
            let name = name(question).replace(' ', "|");
            let told = server.command(&["COMMAND", "INFO", &name]).unwrap();
            let Reply::List(commands) = told else { panic!("{told:?}") };
            let Some(Reply::List(command)) = commands.first() else { panic!("{name} is unknown") };
            let arity = command[1].integer().unwrap();
            let words = i64::try_from(question.split(' ').count()).unwrap();
            assert!(words == arity || (arity < 0 && words >= -arity), "{question} has not {arity} words");
        }
    }

    #[test]
    fn an_answer_is_read() {
        let list = ["HSET K f v", "XGROUP CREATE K g 0"].map(|question| Value::BulkString(question.into()));
        let missing = vec!["HSET".to_owned(), "XGROUP CREATE".to_owned()];
        assert_eq!(read(Ok(Value::Array(list.to_vec()))), Rights::Missing(missing));
        assert_eq!(read(Ok(Value::Array(Vec::new()))), Rights::Granted);
        assert_eq!(read(Err(Error::Closed)), Rights::Unknown);
    }
}
