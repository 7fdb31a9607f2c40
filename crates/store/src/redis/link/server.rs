//! The server of a store: how it is reached, where its master is, and whether it is away.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::ConnectionAddr;
use redis::aio::MultiplexedConnection;
use tokio::time::timeout;

use super::dial::{Dialer, Entry};
use super::fault::Fault;
use super::outage::Outage;
use super::tls::Tls;
use super::url::{Address, Login, Node, Place, Unreadable};
use super::{Greeting, Role, guide, key_slot};
use crate::redis::config::RedisConfig;
use crate::{Error, Result};

/// One server, sentinel-watched master, or cluster. Shared by the links of a process.
pub(in crate::redis) struct Server {
    pub(super) address: Address,
    pub(super) dialer: Dialer,
    /// The slot in which all keys of the store lie.
    pub(super) slot: u16,
    /// For messages: never with credentials.
    pub(in crate::redis) place: String,
    pub(super) outage: Outage,
    /// Who can be asked for the master; who answered last is first.
    guides: Mutex<Vec<Node>>,
}

impl Server {
    /// Reads a url, the settings and the certificates that they name. Connects to nothing.
    ///
    /// # Errors
    /// The url names no Redis store, or a setting cannot be used.
    pub(in crate::redis) fn parse(url: &str, config: &RedisConfig) -> Result<Self> {
        let setting = |reason| Error::Setting { reason };
        config.validate().map_err(setting)?;
        let address = Address::parse(url).map_err(|unreadable| refuse(url, unreadable))?;
        if config.wants_tls() && !address.tls {
            return Err(setting(
                "store.ca_file and store.client_certificate need a rediss:// url".to_owned(),
            ));
        }
        let tls = if address.tls { Some(Tls::read(config).map_err(setting)?) } else { None };
        let (connect_timeout, response_timeout) = (config.connect_timeout, config.response_timeout);
        let guides = match &address.place {
            Place::Sentinel { sentinels: guides, .. } | Place::Cluster { seeds: guides } => guides.clone(),
            Place::Node(_) | Place::Socket(_) => Vec::new(),
        };
        Ok(Self {
            place: address.to_string(),
            slot: key_slot::of_tag(&config.namespace),
            dialer: Dialer { tls, connect_timeout, response_timeout },
            outage: Outage::default(),
            guides: Mutex::new(guides),
            address,
        })
    }

    pub(super) const fn response_timeout(&self) -> Duration {
        self.dialer.response_timeout
    }

    /// A fresh connection to the present master, greeted.
    pub(super) async fn connect(
        &self,
        role: Role,
        greeting: Option<&Greeting>,
    ) -> std::result::Result<MultiplexedConnection, Fault> {
        let visit = Visit { server: self, role, greeting };
        match &self.address.place {
            Place::Node(node) => visit.enter(self.dialer.address(node)?).await,
            Place::Socket(path) => visit.enter(ConnectionAddr::Unix(path.clone())).await,
            Place::Sentinel { .. } | Place::Cluster { .. } => visit.follow_guides().await,
        }
    }

    /// Within the time that connecting may take.
    async fn limited<T>(
        &self,
        step: impl Future<Output = std::result::Result<T, Fault>>,
    ) -> std::result::Result<T, Fault> {
        let limit = self.dialer.connect_timeout;
        match timeout(limit, step).await {
            Ok(result) => result,
            Err(_elapsed) => Err(Fault::away(format!("connecting took longer than {limit:?}"))),
        }
    }

    fn guides(&self) -> Vec<Node> {
        self.guides.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts who knew the way first, and remembers who else may know it next time.
    fn learn(&self, guide: &Node, others: Vec<Node>) {
        let mut guides = self.guides.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = vec![guide.clone()];
        let candidates = self.first_guides().iter().cloned().chain(others);
        for node in candidates {
            if !known.contains(&node) {
                known.push(node);
            }
        }
        *guides = known;
    }

    /// Those that the url names are always kept: what was learnt may be gone tomorrow.
    fn first_guides(&self) -> &[Node] {
        match &self.address.place {
            Place::Sentinel { sentinels: guides, .. } | Place::Cluster { seeds: guides } => guides,
            Place::Node(_) | Place::Socket(_) => &[],
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("place", &self.place).finish_non_exhaustive()
    }
}

fn refuse(url: &str, unreadable: Unreadable) -> Error {
    match unreadable {
        Unreadable::Scheme => {
            let scheme = url.split_once("://").map(|(scheme, _)| format!("{scheme}://"));
            Error::UnsupportedUrl { url: format!("{}…", scheme.unwrap_or_default()) }
        }
        Unreadable::Form(what) => Error::Setting { reason: format!("store.url {what}") },
    }
}

/// One attempt to connect.
struct Visit<'a> {
    server: &'a Server,
    role: Role,
    greeting: Option<&'a Greeting>,
}

impl Visit<'_> {
    /// Connects to that very address.
    async fn enter(&self, address: ConnectionAddr) -> std::result::Result<MultiplexedConnection, Fault> {
        let Address { login, database, .. } = &self.server.address;
        let entry = Entry { login, database: *database, name: self.role.connection_name() };
        self.server
            .limited(async {
                let mut connection = self.server.dialer.dial(address, &entry).await?;
                if matches!(self.server.address.place, Place::Sentinel { .. }) {
                    guide::prove_master(&mut connection).await?;
                }
                if let Some(greeting) = self.greeting {
                    greeting(connection.clone()).await?;
                }
                Ok(connection)
            })
            .await
    }

    /// Asks one guide after the other for the master, and connects to it.
    async fn follow_guides(&self) -> std::result::Result<MultiplexedConnection, Fault> {
        let (mut seen, mut failed) = (Vec::new(), None);
        for guide in self.server.guides() {
            match self.ask(&guide).await {
                Ok(found) if seen.contains(&found.master) => {}
                Ok(found) => {
                    match self.enter(self.server.dialer.address(&found.master)?).await {
                        Ok(connection) => {
                            self.server.learn(&guide, found.others);
                            return Ok(connection);
                        }
                        // What the master itself says is told before anything that guides say.
                        Err(fault) => failed = Some(fault.at(&found.master)),
                    }
                    seen.push(found.master);
                }
                Err(fault) => failed = failed.or(Some(fault)),
            }
        }
        Err(failed.unwrap_or_else(|| Fault::away("nobody knows its master")))
    }

    async fn ask(&self, guide: &Node) -> std::result::Result<guide::Found, Fault> {
        let server = self.server;
        let ask = async {
            let address = server.dialer.address(guide)?;
            match &server.address.place {
                Place::Sentinel { master, login, .. } => {
                    let mut connection = server.dialer.dial(address, &guide_entry(login)).await?;
                    guide::ask_sentinel(&mut connection, master).await
                }
                Place::Cluster { .. } | Place::Node(_) | Place::Socket(_) => {
                    let entry = guide_entry(&server.address.login);
                    let mut connection = server.dialer.dial(address, &entry).await?;
                    guide::ask_cluster(&mut connection, server.slot, guide).await
                }
            }
        };
        server.limited(ask).await.map_err(|fault| fault.at(guide))
    }
}

const fn guide_entry(login: &Login) -> Entry<'_> {
    Entry { login, database: 0, name: "gangway-guide" }
}
