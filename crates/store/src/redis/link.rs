//! The way to the server.
//!
//! A [`Link`] is one connection to the present master, made when it is first needed and made anew whenever it breaks.
//! Calls travel together on it; each has a time limit, after which the connection counts as broken. While there is none a
//! call waits for one, but no longer than an answer may take; then it fails with [`Error::Unavailable`], which callers
//! answer by trying again.
//!
//! | file | |
//! |---|---|
//! | [`url`], [`tls`], [`key_slot`] | the settings, read |
//! | [`server`] | where the server is, shared by all links of a process |
//! | [`guide`] | asking sentinels or a cluster for the master |
//! | [`dial`] | one connection to one node |
//! | [`phase`] | the connection of a link, its loss and its return |
//! | [`fault`] | what an error means |
//! | [`outage`] | the log lines of an outage |

mod dial;
mod fault;
mod guide;
mod key_slot;
mod outage;
mod phase;
mod server;
mod tls;
mod url;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisResult, Value};
use tokio::time::Instant;

use self::fault::Fault;
use self::phase::{Absent, Holder, Live};
use super::scripts::Script;
use crate::{Error, Result};

pub(super) use self::server::Server;

/// Runs on each fresh connection before anybody uses it; if it fails, so does the attempt to connect.
pub(super) type Greeting = Arc<dyn Fn(MultiplexedConnection) -> BoxFuture<RedisResult<()>> + Send + Sync>;

/// A future on the heap.
pub(super) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a connection is for. Each has its own, because answers come in the order of the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Batches.
    Work,
    /// Heartbeats and renewals, which must never wait behind a big batch.
    Leases,
    /// The blocking wait.
    Listen,
}

impl Role {
    /// As the server lists it.
    const fn connection_name(self) -> &'static str {
        match self {
            Self::Work => "gangway-work",
            Self::Leases => "gangway-leases",
            Self::Listen => "gangway-listen",
        }
    }
}

/// One connection to the master, whatever happens. Clones share it.
#[derive(Clone)]
pub(super) struct Link(Arc<Holder>);

impl Link {
    /// Connects when first used.
    pub(super) fn new(server: Arc<Server>, role: Role, greeting: Option<Greeting>) -> Self {
        Self(Arc::new(Holder::new(server, role, greeting)))
    }

    /// Calls a script; makes the server know it first, if it does not.
    pub(super) async fn run(
        &self,
        action: &'static str,
        script: &'static Script,
        cmd: &Cmd,
    ) -> Result<Value> {
        let live = self.live(action).await?;
        let mut connection = live.connection.clone();
        let answer = match one(&mut connection, cmd).await {
            Err(error) if error.code() == Some("NOSCRIPT") => {
                tracing::debug!(script = script.name(), "the script is loaded");
                load_and_call(&mut connection, script, cmd).await
            }
            answer => answer,
        };
        self.judge(action, &live, answer)
    }

    /// Says the greeting again, on the connection that is there.
    pub(super) async fn greet(&self, action: &'static str) -> Result<()> {
        let live = self.live(action).await?;
        let answer = match &self.0.greeting {
            Some(greeting) => greeting(live.connection.clone()).await,
            None => Ok(()),
        };
        self.judge(action, &live, answer)
    }

    /// Sends one command.
    pub(super) async fn send(&self, action: &'static str, cmd: &Cmd) -> Result<Value> {
        let live = self.live(action).await?;
        let answer = one(&mut live.connection.clone(), cmd).await;
        self.judge(action, &live, answer)
    }

    /// Sends a command that the server answers only after up to `at_most`. Whoever stops waiting for it costs the link
    /// its connection, as all later answers would wait behind it.
    pub(super) async fn block(&self, action: &'static str, cmd: &Cmd, at_most: Duration) -> Result<Value> {
        let live = self.live(action).await?;
        let mut connection = live.connection.clone();
        connection.set_response_timeout(at_most.saturating_add(self.0.server.response_timeout()));
        let mut unanswered = Unanswered { holder: &self.0, live: Some(&live) };
        let answer = tokio::select! {
            answer = one(&mut connection, cmd) => answer,
            () = self.0.closed() => return Err(Error::Closed),
        };
        unanswered.live = None;
        self.judge(action, &live, answer)
    }

    /// The next call makes another connection.
    pub(super) fn begin_anew(&self) {
        self.0.begin_anew();
    }

    /// The server for messages, without credentials.
    pub(super) fn place(&self) -> &str {
        &self.0.server.place
    }

    /// Later calls fail with [`Error::Closed`]; those under way are answered, except a blocking one.
    pub(super) fn close(&self) {
        self.0.close();
    }

    async fn live(&self, action: &'static str) -> Result<Live> {
        self.0.live().await.map_err(|absent| match absent {
            Absent::Closed => Error::Closed,
            Absent::Failed(fault) => fault.into_error(action, self.place()),
        })
    }

    /// Draws the conclusions of an answer for the connection and for the log.
    fn judge<T>(&self, action: &'static str, live: &Live, answer: RedisResult<T>) -> Result<T> {
        let server = &self.0.server;
        let fault = match answer {
            Ok(answer) => {
                server.outage.answered(&server.place, Instant::now());
                return Ok(answer);
            }
            Err(error) => Fault::from(error),
        };
        if fault.is_outage() {
            server.outage.failed(&server.place, &fault, Instant::now());
        }
        if fault.connection_is_spent {
            self.0.give_up(live, fault.clone());
        }
        Err(fault.into_error(action, &server.place))
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("place", &self.place())
            .field("role", &self.0.role)
            .finish_non_exhaustive()
    }
}

/// Gives the connection up if nobody waits for the answer any more.
struct Unanswered<'a> {
    holder: &'a Holder,
    live: Option<&'a Live>,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(live) = self.live {
            self.holder.abandon(live);
        }
    }
}

async fn one(connection: &mut MultiplexedConnection, cmd: &Cmd) -> RedisResult<Value> {
    connection.send_packed_command(cmd).await?.extract_error()
}

async fn load_and_call(
    connection: &mut MultiplexedConnection,
    script: &Script,
    cmd: &Cmd,
) -> RedisResult<Value> {
    one(connection, &script.load()).await?;
    one(connection, cmd).await
}

#[cfg(test)]
mod tests;
