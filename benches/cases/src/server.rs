//! What the server tells of itself: its memory, and the time that it has worked.

use redis::aio::MultiplexedConnection;

use crate::Result;
use crate::place::Place;

/// What the server holds, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// All of it.
    pub(crate) used: u64,
    /// The part that is the outbox.
    pub(crate) outbox: u64,
}

impl Memory {
    /// As the server tells it; for an embedded store, the size of the file, whose outbox nobody tells.
    pub(crate) async fn of(place: &Place) -> Result<Self> {
        match place.store.strip_prefix("sqlite:") {
            Some(path) => Ok(Self { used: std::fs::metadata(path)?.len(), outbox: 0 }),
            None => Self::of_server(place).await,
        }
    }

    async fn of_server(place: &Place) -> Result<Self> {
        let mut connection = connect(place).await?;
        let used = info(&mut connection, "memory", "used_memory").await?.parse()?;
        Ok(Self { used, outbox: streams(&mut connection).await? })
    }
}

/// Seconds of processor time of the server's main thread so far; an embedded store has no server.
pub(crate) async fn processor_time(place: &Place) -> Result<Option<f64>> {
    if place.kind() == "sqlite" {
        return Ok(None);
    }
    let mut connection = connect(place).await?;
    let user: f64 = info(&mut connection, "cpu", "used_cpu_user_main_thread").await?.parse()?;
    let system: f64 = info(&mut connection, "cpu", "used_cpu_sys_main_thread").await?.parse()?;
    Ok(Some(user + system))
}

async fn connect(place: &Place) -> Result<MultiplexedConnection> {
    let client = redis::Client::open(place.store.as_str())?;
    Ok(client.get_multiplexed_async_connection().await?)
}

async fn info(connection: &mut MultiplexedConnection, section: &str, field: &str) -> Result<String> {
    let told: String = redis::cmd("INFO").arg(section).query_async(connection).await?;
    let value = told.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    Ok(value.ok_or_else(|| format!("the server does not tell {field}"))?.trim().to_owned())
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
            let mut usage = redis::cmd("MEMORY");
            usage.arg("USAGE").arg(&key).arg("SAMPLES").arg(0);
            bytes += usage.query_async::<u64>(connection).await?;
        }
        if next == 0 {
            return Ok(bytes);
        }
        cursor = next;
    }
}
