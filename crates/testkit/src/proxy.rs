//! A bad network between a program and a server: a TCP proxy on loopback whose conduct changes while it runs.
//!
//! It knows no protocol and so stands before a Redis as well as before the API. What it does to bytes is what a network
//! under TCP does: they come late, all or not at all, and in order; never changed, and never with a gap.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::{Error, Result};

mod conduct;
mod wire;

pub use conduct::Conduct;

/// A proxy before a server on 127.0.0.1. Its connections end when it is dropped.
///
/// ```
/// use gangway_testkit::proxy::{Conduct, Proxy};
/// use gangway_testkit::redis::{Connection, Options, Server};
/// use std::time::Duration;
///
/// let server = Server::start(&Options::default())?;
/// let proxy = Proxy::start(server.port())?;
/// let mut client = Connection::open(proxy.port(), None, Duration::from_secs(10))?;
/// client.command(&["PING"])?;
/// proxy.set(Conduct::cut_off());
/// assert!(client.command(&["PING"]).is_err());
/// # Ok::<(), gangway_testkit::Error>(())
/// ```
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    /// Dropped, it ends all connections.
    _runtime: Runtime,
}

/// What all connections know.
#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    conduct: watch::Sender<Conduct>,
    /// How often all connections were cut.
    cuts: watch::Sender<u64>,
    connections: AtomicU64,
    open: AtomicU64,
    resets: AtomicU64,
}

impl Proxy {
    /// A proxy before that port, on a port of its own. At first it hands on all there is, at once.
    ///
    /// # Errors
    /// The system refuses.
    pub fn start(target: u16) -> Result<Self> {
        let io = |source| Error::Io { action: format!("start a proxy before port {target}"), source };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(io)?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).map_err(io)?;
        let port = listener.local_addr().map_err(io)?.port();
        let shared = Arc::new(Shared {
            target: SocketAddr::from((Ipv4Addr::LOCALHOST, target)),
            conduct: watch::Sender::new(Conduct::default()),
            cuts: watch::Sender::new(0),
            connections: AtomicU64::new(0),
            open: AtomicU64::new(0),
            resets: AtomicU64::new(0),
        });
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, _runtime: runtime })
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on it does so, to connections that are there already as well.
    pub fn set(&self, conduct: Conduct) {
        let cut = conduct.cut_off;
        self.shared.conduct.send_replace(conduct);
        if cut {
            self.cut_all();
        }
    }

    /// Resets all connections that are open; new ones are welcome.
    pub fn cut_all(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections were ever made.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many are open.
    pub fn open(&self) -> u64 {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// How many connections the proxy itself has reset: by chance, or cut.
    pub fn resets(&self) -> u64 {
        self.shared.resets.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((client, _address)) => {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                shared.open.fetch_add(1, Ordering::SeqCst);
                // Subscribed here, so that no cut falls between a connection's count and its first step.
                let cuts = shared.cuts.subscribe();
                tokio::spawn(serve(client, Arc::clone(&shared), cuts));
            }
            // Of one connection, or of too many open files, which passes.
            Err(_refused) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// One connection, from its beginning to its end.
async fn serve(mut client: TcpStream, shared: Arc<Shared>, mut cuts: watch::Receiver<u64>) {
    let mut server = None;
    let end = tokio::select! {
        end = wire::relay(&mut client, &mut server, &shared) => end,
        _ = cuts.changed() => wire::End::Reset,
    };
    if end == wire::End::Reset {
        shared.resets.fetch_add(1, Ordering::SeqCst);
    }
    if end != wire::End::Closed {
        // A connection that is lost already cannot be lost better.
        [Some(&client), server.as_ref()].into_iter().flatten().for_each(|it| reset(it).unwrap_or_default());
    }
    drop((client, server));
    shared.open.fetch_sub(1, Ordering::SeqCst);
}

/// Lets a connection end with a reset when it is dropped.
fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

#[cfg(test)]
mod tests;
