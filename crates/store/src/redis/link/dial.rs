//! One connection to one node, ready for use.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo,
    RedisError, RedisResult, Value,
};

use super::fault::Fault;
use super::tls::Tls;
use super::url::{Login, Node};

/// When a silent connection is asked whether its other end still lives, and how often then.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);

/// Small answers of many handlers wait in here for the socket.
const PIPELINE_BUFFER: usize = 512;

/// Makes connections.
pub(super) struct Dialer {
    pub(super) tls: Option<Tls>,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
}

/// How to enter a server: who, which database, and under which name it lists the connection.
pub(super) struct Entry<'a> {
    pub(super) login: &'a Login,
    pub(super) database: u32,
    pub(super) name: &'a str,
}

impl Dialer {
    /// The address of a node.
    pub(super) fn address(&self, node: &Node) -> RedisResult<ConnectionAddr> {
        match &self.tls {
            Some(tls) => tls.address(node),
            None => Ok(ConnectionAddr::Tcp(node.host.clone(), node.port)),
        }
    }

    /// Connects and logs in. The caller limits the time.
    pub(super) async fn dial(
        &self,
        address: ConnectionAddr,
        entry: &Entry<'_>,
    ) -> RedisResult<MultiplexedConnection> {
        let info = address.into_connection_info()?;
        let info = info.set_tcp_settings(self.tcp_settings()).set_redis_settings(bare());
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout))
            .set_pipeline_buffer_size(PIPELINE_BUFFER);
        let client = Client::open(info)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        enter(&mut connection, entry).await?;
        Ok(connection)
    }

    /// Without these, a connection whose other end has vanished without a word looks well for many minutes.
    fn tcp_settings(&self) -> TcpSettings {
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
        let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
        #[cfg(target_os = "linux")]
        let settings = settings.set_user_timeout(self.response_timeout.max(KEEPALIVE_AFTER));
        settings
    }
}

/// The library's own greeting is left out: it reports whatever goes wrong in it as a wrong password.
fn bare() -> RedisConnectionInfo {
    RedisConnectionInfo::default().set_skip_set_lib_name()
}

async fn enter(connection: &mut MultiplexedConnection, entry: &Entry<'_>) -> RedisResult<()> {
    let mut steps = redis::Pipeline::new();
    let auth = authentication(entry.login);
    let select = (entry.database != 0).then(|| command(&["SELECT", &entry.database.to_string()]));
    for step in auth.into_iter().chain(select) {
        steps.add_command(step);
    }
    steps.add_command(command(&["CLIENT", "SETNAME", entry.name]));
    let mut answers = connection.send_packed_commands(&steps, 0, steps.len()).await?;
    let named = answers.pop();
    answers.into_iter().try_for_each(|answer| answer.extract_error().map(|_done| ()))?;
    named.map_or(Ok(()), may_stay_unnamed)
}

fn authentication(login: &Login) -> Option<Cmd> {
    match (&login.user, &login.password) {
        (None, None) => None,
        (None, Some(password)) => Some(command(&["AUTH", password])),
        (Some(user), password) => Some(command(&["AUTH", user, password.as_deref().unwrap_or("")])),
    }
}

/// The name only helps people who list connections; a server that knows none, or forbids it, is as good. But the first
/// answer of a server that turns everybody away is seen here too.
fn may_stay_unnamed(answer: Value) -> RedisResult<()> {
    answer.extract_error().map(|_done| ()).or_else(|error: RedisError| {
        let unimportant = matches!(error.code(), Some("ERR" | "NOPERM"));
        if unimportant && !Fault::from(error.clone()).is_passing() { Ok(()) } else { Err(error) }
    })
}

fn command(words: &[&str]) -> Cmd {
    let mut cmd = Cmd::new();
    cmd.arg(words);
    cmd
}
