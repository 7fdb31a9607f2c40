//! A file of customers, through the program that people use.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use gangway_producer::sample::{Planted, SampleOptions, write_csv};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::Result;
use crate::numbers::per_second;
use crate::place::Place;

/// A CSV file handed in by the gangway program.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// Customers in the file; one row in fifty on top is faulty, a repeat or a contradiction
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// The program [default: the one beside this]
    #[arg(long, value_name = "PATH")]
    gangway: Option<PathBuf>,
}

/// From the start of the program to its end: digest, parsing, validation, identity, the store, the report.
pub(crate) async fn run(args: &Args) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let (file, options) = (folder.path().join("customers.csv"), SampleOptions::planted(args.rows, 1));
    let planted = write_csv(BufWriter::new(File::create(&file)?), &options)?;
    let program = match &args.gangway {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("gangway"),
    };
    let begun = Instant::now();
    let mut child = command(&program, &args.place, &file).spawn()?;
    let watching = tokio::spawn(peak(child.id()));
    let status = child.wait().await?;
    let took = begun.elapsed();
    let peak_kib = watching.await?;
    // 1: some rows were refused, as planted.
    if status.code() != Some(1) || peak_kib == 0 {
        return Err(format!("the import ended with {status}, {peak_kib} KiB at the peak").into());
    }
    check(args, &planted).await?;
    Ok(json!({
        "case": "import",
        "store": args.place.kind(),
        "rows": planted.rows,
        "enqueued": planted.customers,
        "seconds": took.as_secs_f64(),
        "per_s": per_second(planted.rows, took),
        "peak_mb": f64::from(peak_kib) * 1_024.0 / 1e6,
    }))
}

fn command(program: &Path, place: &Place, file: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["import", "--json"])
        .arg(file)
        .env_clear()
        .env("GANGWAY__STORE__URL", &place.store)
        .env("GANGWAY__API__BASE_URL", "http://127.0.0.1");
    if place.kind() != "sqlite" {
        command.env("GANGWAY__STORE__NAMESPACE", &place.namespace);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    command
}

/// All that was planted as a customer is in the store, once.
async fn check(args: &Args, planted: &Planted) -> Result<()> {
    let store = args.place.open().await?;
    let kept = store.status().await?.total();
    store.close().await;
    if kept == planted.customers {
        Ok(())
    } else {
        Err(format!("{kept} records, planted {planted:?}").into())
    }
}

/// The most memory that the process ever held, in KiB; returns when it has ended. Only Linux tells.
async fn peak(pid: Option<u32>) -> u32 {
    let Some(pid) = pid else { return 0 };
    let mut peak = 0;
    while let Some(now) = high_water_mark(pid) {
        peak = peak.max(now);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    peak
}

fn high_water_mark(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
