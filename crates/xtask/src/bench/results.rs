//! Raw results: one file a measurement, the newest of each counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::numbers::Spread;
use crate::git;

/// All that was measured so far.
#[derive(Debug, Default)]
pub(super) struct Results(BTreeMap<String, Measured>);

/// The runs of one measurement.
#[derive(Debug)]
struct Measured {
    runs: Vec<Value>,
    fault: Option<String>,
    commit: String,
}

/// Writes the runs of a measurement in the place of older ones.
pub(super) fn save(folder: &Path, name: &str, runs: &[Value], fault: Option<&str>) -> Result<(), String> {
    let path = folder.join(format!("{name}.json"));
    let kept = json!({"name": name, "runs": runs, "fault": fault, "commit": git::commit(folder)});
    std::fs::write(&path, format!("{kept:#}\n")).map_err(|error| format!("write {}: {error}", path.display()))
}

impl Results {
    /// Reads all files of the folder.
    pub(super) fn load(folder: &Path) -> Result<Self, String> {
        let fault = |what: &Path, error: &dyn std::error::Error| format!("read {}: {error}", what.display());
        let mut results = Self::default();
        for entry in std::fs::read_dir(folder).map_err(|error| fault(folder, &error))? {
            let path = entry.map_err(|error| fault(folder, &error))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let text = std::fs::read_to_string(&path).map_err(|error| fault(&path, &error))?;
                results.add(&serde_json::from_str(&text).map_err(|error| fault(&path, &error))?);
            }
        }
        Ok(results)
    }

    /// Takes in one file's content.
    pub(super) fn add(&mut self, kept: &Value) {
        let text = |field: &str| kept[field].as_str().map(str::to_owned);
        let measured = Measured {
            runs: kept["runs"].as_array().cloned().unwrap_or_default(),
            fault: text("fault"),
            commit: text("commit").unwrap_or_default(),
        };
        self.0.insert(text("name").unwrap_or_default(), measured);
    }

    /// One figure of a measurement over its runs.
    pub(super) fn spread(&self, name: &str, field: &str) -> Option<Spread> {
        let runs = &self.0.get(name)?.runs;
        Spread::of(runs.iter().filter_map(|run| run[field].as_f64()).collect())
    }

    /// Any field of the first run, as it was printed.
    pub(super) fn told(&self, name: &str, field: &str) -> Option<String> {
        let value = self.0.get(name)?.runs.first()?.get(field)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// Why a measurement has no runs, or not all.
    pub(super) fn fault(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.fault.as_deref()
    }

    /// The commits that were measured.
    pub(super) fn commits(&self) -> BTreeSet<&str> {
        self.0.values().map(|measured| measured.commit.as_str()).filter(|commit| !commit.is_empty()).collect()
    }

    /// How many runs a measurement has, at least and at most.
    pub(super) fn runs(&self) -> Option<(usize, usize)> {
        let counts = || self.0.values().map(|measured| measured.runs.len()).filter(|count| *count > 0);
        Some((counts().min()?, counts().max()?))
    }

    /// The highest load average of the machine when a run began.
    pub(super) fn highest_load(&self) -> Option<f64> {
        let runs = self.0.values().flat_map(|measured| &measured.runs);
        runs.filter_map(|run| run["load_before"].as_f64()).reduce(f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_read_back_and_the_newest_counts() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), "drain-1", &[json!({"per_s": 1.0})], None).unwrap();
        save(folder.path(), "drain-1", &[json!({"per_s": 2.0}), json!({"per_s": 4.0})], Some("cut")).unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no result").unwrap();
        let results = Results::load(folder.path()).unwrap();
        let spread = results.spread("drain-1", "per_s").unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (2.0, 3.0, 4.0));
        assert_eq!((results.fault("drain-1"), results.runs()), (Some("cut"), Some((2, 2))));
        assert!(results.spread("drain-1", "seconds").is_none() && results.spread("bare", "per_s").is_none());
    }

    #[test]
    fn a_file_that_is_no_result_is_a_fault_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bare.json"), "{").unwrap();
        assert!(Results::load(folder.path()).unwrap_err().contains("bare.json"));
    }
}
