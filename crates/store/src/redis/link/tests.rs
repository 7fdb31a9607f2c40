//! Links to real servers, which the tests start on ports of their own.

mod calls;
mod faults;
mod log;
mod masters;
mod outages;
mod place;
mod process;
mod secure;
mod told;

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;

use super::{Link, Role, Server};
use crate::redis::RedisConfig;
use crate::redis::scripts::Script;
use crate::{Error, Result};

static COUNT: Script = Script::new("count", "return redis.call('INCR', KEYS[1])");

/// Short limits: a test that waits for one shall not be long.
fn config() -> RedisConfig {
    RedisConfig { response_timeout: Duration::from_secs(3), ..RedisConfig::default() }
}

fn impatient() -> RedisConfig {
    RedisConfig { response_timeout: Duration::from_millis(300), ..RedisConfig::default() }
}

fn link(url: &str, config: &RedisConfig) -> Link {
    Link::new(Arc::new(Server::parse(url, config).unwrap()), Role::Work, None)
}

async fn count(link: &Link) -> Result<i64> {
    let answer = link.run("count", &COUNT, &COUNT.call(b"{t}:count")).await?;
    let Value::Int(count) = answer else { panic!("{answer:?}") };
    Ok(count)
}

async fn ping(link: &Link) -> Result<Value> {
    link.send("ask", &redis::cmd("PING")).await
}

/// Waits for what another process or task will do.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Says what an unavailable server was said to have.
fn reason(error: &Error) -> &str {
    let Error::Unavailable { reason, .. } = error else { panic!("{error:?}") };
    assert!(error.is_transient());
    reason
}
