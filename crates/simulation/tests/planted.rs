//! The simulation can fail: each planted bug is found. Only in a build with the feature `planted`.
#![cfg(feature = "planted")]

use gangway_jobs::planted::{Bug, plant};
use gangway_simulation::{Options, run};

/// The promise that the first seed which finds the bug sees broken.
fn found(bug: Bug) -> Option<&'static str> {
    plant(Some(bug));
    let found = (1..1_001).find_map(|seed| run(seed, Options::default()).violation);
    plant(None);
    found.map(|violation| violation.promise)
}

#[test]
fn each_planted_bug_is_found_within_a_thousand_seeds() {
    for bug in Bug::ALL {
        assert!(found(bug).is_some(), "{bug} was not found");
    }
}
