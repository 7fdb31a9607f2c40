//! A few hundred seeds, as CI runs them; `cargo xtask simulate` runs many more.

use gangway_simulation::{Kind, Options, run};

const MODEL: Options = Options { store: Kind::Model, trace: false };
const SQLITE: Options = Options { store: Kind::Sqlite, trace: false };

/// Fixed, so that a failure in CI is the failure here.
fn all_hold(seeds: std::ops::Range<u64>, options: Options) {
    let mut leases = 0;
    for seed in seeds {
        let report = run(seed, options);
        assert_eq!(report.violation, None, "seed {seed}: see `cargo xtask simulate --seed {seed}`");
        leases += report.leases;
    }
    assert!(leases > 1_000, "hardly anything happened: {leases} leases");
}

#[test]
fn every_promise_holds_in_every_run_on_the_embedded_store() {
    all_hold(1..41, SQLITE);
}

#[test]
fn every_promise_holds_in_every_run_on_the_model() {
    all_hold(41..501, MODEL);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for options in [MODEL, SQLITE] {
        for seed in 1..6 {
            let (first, again) = (run(seed, options), run(seed, options));
            assert_eq!(first.hash, again.hash, "seed {seed}");
            assert_ne!(first.hash, run(seed + 1_000, options).hash, "seed {seed}");
        }
    }
}

#[test]
fn a_trace_tells_of_faults_and_of_ends() {
    let all: Vec<String> =
        (1..30).flat_map(|seed| run(seed, Options { trace: true, ..MODEL }).trace).collect();
    for wanted in [
        "AnswerLost",
        "Late",
        "dies in the middle",
        "leases are taken back",
        "freezes",
        "the store's clock is set",
        "the store is lost",
        "never hears of it",
        "onboarding.approved",
        "onboarding.rejected",
        "onboarding.expired",
        "onboarding.dead",
        "onboarding.cancelled",
        "onboarding.erased",
        "onboarding.reopened",
        "Revived",
    ] {
        assert!(all.iter().any(|line| line.contains(wanted)), "{wanted} never happened");
    }
}
