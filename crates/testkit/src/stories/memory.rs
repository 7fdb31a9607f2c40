//! A large import in constant memory.

use std::time::{Duration, Instant};

use gangway_producer::sample::SampleOptions;

use super::accounts::{self, number};
use crate::{Error, Result, World, same};

/// What an import took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// From start to exit.
    pub time: Duration,
    /// Peak resident size in KiB.
    pub peak_kib: u64,
}

/// Imports a clean file of `customers` rows and watches the process.
///
/// # Errors
/// Not all rows are taken in, or the system does not tell the size (it is read from `/proc`).
pub fn import(world: &mut World, customers: u64, seed: u64) -> Result<Took> {
    let csv = format!("{customers}.csv");
    accounts::write_sample(world, &csv, &SampleOptions::clean(customers, seed))?;
    world.move_to_new_store(&customers.to_string());
    let begun = Instant::now();
    let mut importing = world.start(&["import", &csv, "--json"], "import.log")?;
    let mut peak_kib = 0;
    while importing.ended()?.is_none() {
        peak_kib = peak_kib.max(peak_kib_of(importing.pid()).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(5));
    }
    let time = begun.elapsed();
    let status = world.status()?;
    same("onboardings", &number(&status, "/onboardings/total")?, &customers)?;
    if peak_kib == 0 {
        return Err(Error::Broken("the import was too short, or /proc does not tell its size".to_owned()));
    }
    Ok(Took { time, peak_kib })
}

/// The largest resident size that a process has had, in KiB; `None` if it is gone, or the system does not tell.
pub fn peak_kib_of(pid: u32) -> Option<u64> {
    kib_of(pid, "VmHWM:")
}

/// The resident size of a process, in KiB; `None` if it is gone, or the system does not tell.
pub fn resident_kib_of(pid: u32) -> Option<u64> {
    kib_of(pid, "VmRSS:")
}

fn kib_of(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Imports a small and a large file; the large one may take 100 MB more at its peak.
///
/// # Errors
/// It takes more.
pub fn a_large_import_takes_no_more_memory(
    world: &mut World,
    small: u64,
    large: u64,
) -> Result<(Took, Took)> {
    let (small, large) = (import(world, small, 1)?, import(world, large, 1)?);
    if large.peak_kib > small.peak_kib + 100 * 1024 {
        return Err(Error::Broken(format!(
            "{} KiB at the peak, against {} KiB",
            large.peak_kib, small.peak_kib
        )));
    }
    Ok((small, large))
}
