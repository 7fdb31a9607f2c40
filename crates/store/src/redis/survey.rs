//! How safe a store is at a server: plain facts, and what they mean.
//!
//! | module | duty |
//! |---|---|
//! | `facts` | what the server tells of itself |
//! | `rights` | what the user that logs in may do |
//! | `measure` | round trips and clocks |
//! | `judge` | what all of it means, as a pure function |
//! | `cli` | commands that mend it |
//!
//! Nothing is written to the server. What it does not tell, because a service that runs it for others forbids the question,
//! is unknown and no error.

mod cli;
mod facts;
mod info;
mod judge;
mod measure;
mod rights;

use std::collections::HashMap;
use std::sync::Arc;

use redis::{FromRedisValue, Value};

pub use cli::Cli;
pub use facts::{Facts, Flavour, Replica, Role, Version};
pub use judge::{Duty, Finding, Level, judge};
pub use measure::Measured;
pub use rights::Rights;

use super::RedisConfig;
use super::keys::Keys;
use super::link::{Link, Role as LinkRole, Server};
use crate::{Error, Result};

/// Settings of the server that `INFO` does not tell.
const ASKED: &[&str] = &[
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "min-replicas-to-write",
    "stop-writes-on-bgsave-error",
    "save",
];

/// What is known about a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// Where it is: a url without credentials.
    pub place: String,
    /// All keys of the store begin with this.
    pub tag: String,
    /// What it tells of itself; `None` if this user may not ask.
    pub facts: Option<Facts>,
    /// Some of its settings; `None` if this user may not ask.
    pub settings: Option<HashMap<String, String>>,
    /// What the user may do.
    pub rights: Rights,
    /// Round trips and clocks.
    pub measured: Measured,
    /// How a person reaches it.
    pub cli: Cli,
}

impl Survey {
    /// One of the server's settings, if it told.
    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.as_ref()?.get(name).map(String::as_str)
    }
}

/// Whether a url is of a form that names a server, whatever the rest of it.
pub fn is_server(url: &str) -> bool {
    let scheme = url.trim_start().split(':').next().unwrap_or_default();
    scheme == "unix" || scheme.starts_with("redis")
}

/// Looks at one server as often as is wanted, over one connection.
#[derive(Debug)]
pub struct Surveyor {
    link: Link,
    tag: String,
    /// Whether the url logs somebody in.
    login: bool,
}

impl Surveyor {
    /// For the store at `url`. Connects to nothing yet.
    ///
    /// # Errors
    /// The url names no server, or a setting cannot be used.
    pub fn new(url: &str, config: &RedisConfig) -> Result<Self> {
        let server = Arc::new(Server::parse(url, config)?);
        let link = Link::new(server, LinkRole::Work, None);
        let tag = Keys::new(&config.namespace).tag().to_owned();
        Ok(Self { link, tag, login: url.contains('@') })
    }

    /// Looks.
    ///
    /// # Errors
    /// It cannot be reached, or turns this user away. [`Error::is_transient`] tells whether waiting can help.
    pub async fn survey(&self) -> Result<Survey> {
        // First of all, because a refusal of this one is no question of rights.
        self.link.send("ping", &redis::cmd("PING")).await?;
        let facts = self.ask("ask for its state", redis::cmd("INFO")).await?;
        let facts: Option<Facts> = facts.map(|text: String| Facts::read(&text));
        let mut config = redis::cmd("CONFIG");
        config.arg("GET").arg(ASKED);
        Ok(Survey {
            settings: self.ask("ask for its settings", config).await?,
            rights: rights::read(self.link.send("ask for rights", &rights::question(&self.tag)).await),
            measured: measure::measure(&self.link).await?,
            cli: self.cli(facts.as_ref()).await?,
            place: self.link.place().to_owned(),
            tag: self.tag.clone(),
            facts,
        })
    }

    /// The command by which a person sees whether the server answers.
    pub fn ping(&self) -> String {
        Cli::new(self.link.place(), self.login).run("PING")
    }

    /// Ends the connection.
    pub fn close(&self) {
        self.link.close();
    }

    async fn ask<T: FromRedisValue>(&self, action: &'static str, cmd: redis::Cmd) -> Result<Option<T>> {
        let answer = permitted(self.link.send(action, &cmd).await)?;
        Ok(answer.and_then(|value| T::from_redis_value(value).ok()))
    }

    async fn cli(&self, facts: Option<&Facts>) -> Result<Cli> {
        let place = self.link.place();
        let place = if place.contains("+sentinel://") { self.master().await? } else { place.to_owned() };
        Ok(Cli::new(&place, self.login).of(facts))
    }

    /// Behind sentinels: the master's end of this connection.
    async fn master(&self) -> Result<String> {
        let mut cmd = redis::cmd("CLIENT");
        cmd.arg("INFO");
        let told: Option<String> = self.ask("ask for its address", cmd).await?;
        let told = told.unwrap_or_default();
        let address = told.split(' ').find_map(|field| field.strip_prefix("laddr="));
        let scheme = self.link.place().split('+').next().unwrap_or("redis");
        Ok(format!("{scheme}://{}", address.unwrap_or("MASTER:6379")))
    }
}

/// Looks once at the server of the store at `url`.
///
/// # Errors
/// The url names no server, it cannot be reached, or it turns this user away.
pub async fn survey(url: &str, config: &RedisConfig) -> Result<Survey> {
    let surveyor = Surveyor::new(url, config)?;
    let survey = surveyor.survey().await;
    surveyor.close();
    survey
}

/// What a server refuses to tell is unknown; everything else that goes wrong is an error.
fn permitted(answer: Result<Value>) -> Result<Option<Value>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Error::Redis { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests;
