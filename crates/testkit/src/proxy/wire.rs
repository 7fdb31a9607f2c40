//! One connection: two streams, and the way of the bytes between them.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Conduct, Shared};

/// The most bytes that travel as one.
const CHUNK: usize = 16 * 1024;

/// So many chunks are on the way in one direction; then the sender has to wait.
const ON_THE_WAY: usize = 256;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Both sides have closed it.
    Closed,
    /// One side was lost, or the server cannot be reached, so the other side is reset.
    Broken,
    /// The proxy has reset it.
    Reset,
}

/// Bytes, and when they arrive.
type Chunk = (Instant, Vec<u8>);

/// What both directions of a connection know.
struct Wire {
    conduct: watch::Receiver<Conduct>,
    /// Bytes were swallowed: nothing that is sent now may arrive.
    dead: AtomicBool,
}

/// Connects to the server and hands on bytes until the end.
pub(super) async fn relay(client: &mut TcpStream, server: &mut Option<TcpStream>, shared: &Shared) -> End {
    let wire = Wire { conduct: shared.conduct.subscribe(), dead: AtomicBool::new(false) };
    let conduct = wire.conduct();
    if conduct.cut_off {
        return End::Reset;
    }
    if conduct.swallows {
        return swallow(client).await;
    }
    wire.passable().await;
    sleep(conduct.latency * 2).await;
    let Ok(connected) = TcpStream::connect(shared.target).await else { return End::Broken };
    let server = server.insert(connected);
    // A chunk that waits for the next one would be late for no reason that the conduct gives.
    if client.set_nodelay(true).and_then(|()| server.set_nodelay(true)).is_err() {
        return End::Broken;
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    let there = direction(from_client, to_server, &wire);
    let back = direction(from_server, to_client, &wire);
    tokio::try_join!(there, back).map_or_else(|end| end, |_both| End::Closed)
}

/// Takes bytes until the client gives up.
async fn swallow(client: &mut TcpStream) -> End {
    match tokio::io::copy(client, &mut tokio::io::sink()).await {
        Ok(_bytes) => End::Closed,
        Err(_lost) => End::Broken,
    }
}

async fn direction(from: ReadHalf<'_>, to: WriteHalf<'_>, wire: &Wire) -> Result<(), End> {
    let (send, receive) = mpsc::channel(ON_THE_WAY);
    tokio::try_join!(take_in(from, send, wire), hand_on(receive, to, wire)).map(drop)
}

/// Reads to the end of a stream, and says of each chunk when it arrives.
async fn take_in(mut from: ReadHalf<'_>, send: mpsc::Sender<Chunk>, wire: &Wire) -> Result<(), End> {
    let mut buffer = vec![0; CHUNK];
    let (mut free, mut last) = (Instant::now(), Instant::now());
    loop {
        let length = from.read(&mut buffer).await.map_err(|_lost| End::Broken)?;
        if length == 0 {
            return Ok(());
        }
        let conduct = wire.conduct();
        if wire.is_dead() {
            continue;
        }
        if conduct.loses() {
            return Err(End::Reset);
        }
        free = free.max(Instant::now()) + conduct.busy_with(length);
        last = last.max(free + conduct.delay());
        if send.send((last, buffer[..length].to_vec())).await.is_err() {
            return Ok(());
        }
    }
}

/// Writes each chunk at its time, and then the end.
async fn hand_on(mut receive: mpsc::Receiver<Chunk>, mut to: WriteHalf<'_>, wire: &Wire) -> Result<(), End> {
    while let Some((due, bytes)) = receive.recv().await {
        sleep_until(due).await;
        wire.passable().await;
        if !wire.is_dead() {
            to.write_all(&bytes).await.map_err(|_lost| End::Broken)?;
        }
    }
    wire.passable().await;
    if wire.is_dead() {
        return Ok(());
    }
    to.shutdown().await.map_err(|_lost| End::Broken)
}

impl Wire {
    fn conduct(&self) -> Conduct {
        self.conduct.borrow().clone()
    }

    /// Waits while everything is held.
    async fn passable(&self) {
        // The sender lives as long as the proxy, and this not longer.
        self.conduct.clone().wait_for(|conduct| !conduct.holds).await.map(drop).unwrap_or_default();
    }

    /// Whether bytes are swallowed, or were.
    fn is_dead(&self) -> bool {
        if self.conduct.borrow().swallows {
            self.dead.store(true, Ordering::SeqCst);
        }
        self.dead.load(Ordering::SeqCst)
    }
}
