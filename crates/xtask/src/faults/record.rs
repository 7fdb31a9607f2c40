//! What came of each scenario, kept in the target folder from run to run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gangway_testkit::faults::{Extent, Stage, Told};
use serde_json::{Value, json};

/// What came of one scenario.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) full: bool,
    pub(super) commit: String,
    pub(super) seed: u64,
    pub(super) held: bool,
    pub(super) customers: u64,
    pub(super) hurts: u64,
    /// Seconds until work went on.
    pub(super) recovery: Option<f64>,
    /// Seconds it took to tell.
    pub(super) seconds: f64,
    /// What was counted, or what broke.
    pub(super) result: String,
}

impl Record {
    pub(super) fn new(
        name: &str,
        stage: &Stage,
        commit: &str,
        took: Duration,
        told: gangway_testkit::Result<Told>,
    ) -> Self {
        let held = told.is_ok();
        let told = told.unwrap_or_else(|error| Told { result: chain(&error), ..Told::default() });
        Self {
            name: name.to_owned(),
            full: stage.extent == Extent::Full,
            commit: commit.to_owned(),
            seed: stage.seed,
            held,
            customers: told.customers,
            hurts: told.hurts,
            recovery: told.recovery.map(|time| time.as_secs_f64()),
            seconds: took.as_secs_f64(),
            result: told.result,
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "full": self.full, "commit": self.commit, "seed": self.seed, "held": self.held,
            "customers": self.customers, "hurts": self.hurts, "recovery": self.recovery,
            "seconds": self.seconds, "result": self.result,
        })
    }

    fn of_json(value: &Value) -> Option<Self> {
        Some(Self {
            name: value["name"].as_str()?.to_owned(),
            full: value["full"].as_bool()?,
            commit: value["commit"].as_str()?.to_owned(),
            seed: value["seed"].as_u64()?,
            held: value["held"].as_bool()?,
            customers: value["customers"].as_u64()?,
            hurts: value["hurts"].as_u64()?,
            recovery: value["recovery"].as_f64(),
            seconds: value["seconds"].as_f64()?,
            result: value["result"].as_str()?.to_owned(),
        })
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The latest record of each scenario and extent, each in a file of its own: two runs do not get in each other's way.
#[derive(Debug)]
pub(super) struct Records {
    folder: PathBuf,
    latest: BTreeMap<(String, bool), Record>,
}

impl Records {
    /// Those of earlier runs.
    pub(super) fn open(folder: &Path) -> Result<Self, String> {
        let fault = |error: std::io::Error| format!("could not read {}: {error}", folder.display());
        std::fs::create_dir_all(folder).map_err(fault)?;
        let mut latest = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            let text = std::fs::read_to_string(&path).map_err(fault)?;
            let record = serde_json::from_str(&text).ok().as_ref().and_then(Record::of_json);
            // One that was cut short, or has another form, is told again.
            if let Some(record) = record {
                latest.insert((record.name.clone(), record.full), record);
            }
        }
        Ok(Self { folder: folder.to_owned(), latest })
    }

    /// Whether it held already: the same program, seed and extent. Files that differ from the commit prove nothing.
    pub(super) fn holds(&self, name: &str, commit: &str, stage: &Stage) -> bool {
        let key = (name.to_owned(), stage.extent == Extent::Full);
        !commit.is_empty()
            && !commit.ends_with('+')
            && self
                .latest
                .get(&key)
                .is_some_and(|record| record.held && record.commit == commit && record.seed == stage.seed)
    }

    /// Remembers one at once: the run may be cut short.
    pub(super) fn keep(&mut self, record: Record) -> Result<(), String> {
        let extent = if record.full { "full" } else { "short" };
        let path = self.folder.join(format!("{}.{extent}.json", record.name));
        let text = format!("{:#}\n", record.to_json());
        self.latest.insert((record.name.clone(), record.full), record);
        std::fs::write(&path, text).map_err(|error| format!("could not write {}: {error}", path.display()))
    }

    /// What came of one at full size.
    pub(super) fn full(&self, name: &str) -> Option<&Record> {
        self.latest.get(&(name.to_owned(), true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_held_is_not_told_again_until_the_program_or_the_seed_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let stage = |seed| Stage { binary: PathBuf::new(), seed, extent: Extent::Full };
        let took = Duration::from_secs(3);
        let mut records = Records::open(&path).unwrap();
        let told = Told { customers: 5, recovery: Some(Duration::from_millis(1_500)), ..Told::default() };
        records.keep(Record::new("s01_a", &stage(1), "abc", took, Ok(told))).unwrap();
        let broken = gangway_testkit::Error::Broken("lost one".to_owned());
        records.keep(Record::new("s02_b", &stage(1), "abc", took, Err(broken))).unwrap();
        records.keep(Record::new("s03_c", &stage(1), "abc+", took, Ok(Told::default()))).unwrap();

        let read = Records::open(&path).unwrap();
        assert_eq!(read.latest, records.latest);
        assert!(read.holds("s01_a", "abc", &stage(1)));
        assert!(!read.holds("s01_a", "abd", &stage(1)));
        assert!(!read.holds("s01_a", "abc", &stage(2)));
        assert!(!read.holds("s01_a", "abc", &Stage { extent: Extent::Short, ..stage(1) }));
        assert!(!read.holds("s02_b", "abc", &stage(1)), "it broke");
        assert!(!read.holds("s03_c", "abc+", &stage(1)), "who knows what was changed");
    }
}
