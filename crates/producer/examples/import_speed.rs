//! Imports a made-up file into an embedded store and says how long it took and how much memory:
//! `cargo run --release -p gangway-producer --example import_speed -- 1000000`.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Instant;

use gangway_jobs::clock::SystemClock;
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_producer::Producer;
use gangway_producer::import::{self, ImportOptions};
use gangway_producer::sample::{SampleOptions, write_csv};
use gangway_store::sqlite::{Mode, OpenOptions, Place, SqliteStore};
use gangway_store::stamp::Expected;
use gangway_store::{Policies, Store};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let customers = std::env::args().nth(1).map_or(Ok(1_000), |number| number.parse())?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("customers.csv");
    let planted = write_csv(BufWriter::new(File::create(&file)?), &SampleOptions::planted(customers, 1))?;

    let identity = Identity::new(IdentitySecret::new(IdentitySecret::DEVELOPMENT), "default");
    let store = SqliteStore::open(OpenOptions {
        place: Place::File(dir.path().join("gangway.db")),
        mode: Mode::Create(Expected {
            api_base_url: "https://api.example".to_owned(),
            entity: identity.entity().to_owned(),
            secret_fingerprint: identity.secret_fingerprint(),
        }),
        policies: Policies::default(),
        clock: Arc::new(SystemClock),
    })?;
    let producer = Producer::new(Arc::<SqliteStore>::clone(&store), identity);
    let options = ImportOptions::new(file);
    let mut out = io::stdout().lock();
    for pass in ["first", "again"] {
        let started = Instant::now();
        let summary = import::run(&options, &producer, |_| {}, &CancellationToken::new()).await?;
        let seconds = started.elapsed().as_secs_f64();
        let rate = summary.rows.checked_div(started.elapsed().as_millis().try_into()?).unwrap_or_default();
        writeln!(
            out,
            "{pass}: {} rows, {} enqueued, {} duplicates, {} conflicts, {} refused in {seconds:.1} s, \
             {rate} rows/ms, peak memory {}",
            summary.rows,
            summary.enqueued,
            summary.duplicates,
            summary.conflicts,
            summary.refused,
            peak_memory(),
        )?;
        if summary.rows != planted.rows || summary.refused != planted.refused {
            return Err("the sums are not those that were planted".into());
        }
    }
    store.close().await;
    Ok(())
}

/// The most memory this process ever held; only Linux tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}
