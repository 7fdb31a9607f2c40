//! What the server holds: all of it, and the part that is the outbox.

use redis::aio::MultiplexedConnection;

use crate::Result;
use crate::place::Place;

/// Bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    pub(super) used: u64,
    pub(super) outbox: u64,
}

impl Memory {
    /// As the server tells it; for an embedded store, the size of the file, whose outbox nobody tells.
    pub(super) async fn of(place: &Place) -> Result<Self> {
        match place.store.strip_prefix("sqlite:") {
            Some(path) => Ok(Self { used: std::fs::metadata(path)?.len(), outbox: 0 }),
            None => Self::of_server(place).await,
        }
    }

    async fn of_server(place: &Place) -> Result<Self> {
        let client = redis::Client::open(place.store.as_str())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let told: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await?;
        let used = told.lines().find_map(|line| line.strip_prefix("used_memory:"));
        let used = used.ok_or("the server does not tell its memory")?.trim().parse()?;
        Ok(Self { used, outbox: streams(&mut connection).await? })
    }
}

/// The bytes of all streams: only the outbox is one.
async fn streams(connection: &mut MultiplexedConnection) -> Result<u64> {
    let (mut cursor, mut bytes) = (0_u64, 0);
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg(&["COUNT", "10000", "TYPE", "stream"]);
        let (next, found): (u64, Vec<String>) = scan.query_async(connection).await?;
        for key in found {
            // Every sample: a stream's nodes are of different sizes.
            let usage = redis::cmd("MEMORY").arg("USAGE").arg(&key).arg("SAMPLES").arg(0).clone();
            bytes += usage.query_async::<u64>(connection).await?;
        }
        if next == 0 {
            return Ok(bytes);
        }
        cursor = next;
    }
}
