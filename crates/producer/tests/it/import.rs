//! One import after the other.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use gangway_producer::import::{self, Phase};
use gangway_producer::sample::SampleOptions;
use gangway_producer::{Error, Producer};
use tokio_util::sync::CancellationToken;

use crate::world::{KINDS, Kind, World, assert_planted, identity, onboardings, run, sum, watched};

/// How often each code stands in the report.
fn codes(report: &str) -> BTreeMap<&str, u64> {
    let mut codes = BTreeMap::new();
    for line in report.split_terminator("\r\n").skip(1) {
        *codes.entry(line.split(',').nth(2).unwrap()).or_default() += 1;
    }
    codes
}

#[tokio::test]
async fn what_was_planted_is_what_comes_in_and_what_is_reported() {
    for kind in KINDS {
        let world = World::planted(400, 1);
        let producer = world.producer(kind, "store.db");
        let summary = run(&world.options(), &producer).await.unwrap();
        assert_planted(&summary, &world.planted);
        assert_eq!((summary.resumed_at, onboardings(&producer).await), (None, 400));
        assert_eq!(summary.report, world.path("customers.refused.csv"));
        let report = world.report();
        let mut found = codes(&report);
        let conflicts: u64 = ["conflict_content", "conflict_email"]
            .iter()
            .map(|code| found.remove(code).expect("both kinds of conflict are planted"))
            .sum();
        assert_eq!(conflicts, world.planted.conflicts);
        assert_eq!(found, world.planted.codes);
        let rows: Vec<u64> =
            report.lines().skip(1).map(|l| l.split(',').next().unwrap().parse().unwrap()).collect();
        assert!(rows.is_sorted(), "the report is in the order of the file");
        for personal in [".example", "@acme", "Ltd", "Holding", "C-0", "X-0"] {
            assert!(!report.contains(personal), "{personal} in {report}");
        }
        assert_eq!(world.left_over(), [""; 0]);
    }
}

#[tokio::test]
async fn the_same_file_again_is_all_duplicates_and_conflicts() {
    for kind in KINDS {
        let world = World::planted(300, 2);
        let producer = world.producer(kind, "store.db");
        run(&world.options(), &producer).await.unwrap();
        let report = world.report();
        let again = run(&world.options(), &producer).await.unwrap();
        assert_eq!(again.enqueued + again.revived, 0);
        assert_eq!(again.duplicates, world.planted.customers + world.planted.duplicates);
        assert_eq!((again.conflicts, again.refused), (world.planted.conflicts, world.planted.refused));
        assert_eq!((onboardings(&producer).await, world.report()), (300, report));
    }
}

#[tokio::test]
async fn another_entity_or_secret_than_the_stores_is_refused() {
    use gangway_jobs::identity::{Identity, IdentitySecret};
    let world = World::planted(10, 2);
    let made_for = world.producer(Kind::Model, "");
    for (secret, entity) in [("other", "default"), ("s", "other")] {
        let identity = Identity::new(IdentitySecret::new(secret), entity);
        let producer = Producer::new(std::sync::Arc::clone(made_for.store()), identity);
        let refused = run(&world.options(), &producer).await;
        assert!(matches!(refused, Err(Error::Mismatch { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_file_without_fault_has_a_report_with_its_header_only() {
    let world = World::new(&SampleOptions::clean(25, 3));
    run(&world.options(), &world.producer(Kind::Model, "")).await.unwrap();
    assert_eq!(world.report(), "row,field,code,message\r\n");
}

#[tokio::test]
async fn a_file_with_a_header_only_has_no_rows() {
    let world = World::new(&SampleOptions::clean(0, 3));
    let summary = run(&world.options(), &world.producer(Kind::Sqlite, "store.db")).await.unwrap();
    assert!(summary.rows == 0 && summary.finished);
}

#[tokio::test]
async fn a_dry_run_says_the_same_without_a_store() {
    let world = World::planted(400, 4);
    let cancel = CancellationToken::new();
    let summary = import::dry_run(&world.options(), &identity(), |_| {}, &cancel).await.unwrap();
    assert_planted(&summary, &world.planted);
    let dry = world.report();
    run(&world.options(), &world.producer(Kind::Model, "")).await.unwrap();
    assert_eq!(world.report(), dry);
}

#[tokio::test]
async fn a_cancelled_import_stops_at_a_checkpoint_and_goes_on_there() {
    for kind in KINDS {
        let world = World::planted(300, 5);
        let producer = world.producer(kind, "store.db");
        let cancel = CancellationToken::new();
        let stop_at_100 = |progress: &import::Progress| {
            if progress.tally.rows >= 100 {
                cancel.cancel();
            }
        };
        let stopped = import::run(&world.options(), &producer, stop_at_100, &cancel).await.unwrap();
        assert!(!stopped.finished && stopped.rows == 100 && sum(&stopped) == 100, "{stopped:?}");
        assert!(!stopped.report.exists());
        let summary = run(&world.options(), &producer).await.unwrap();
        assert_planted(&summary, &world.planted);
        assert_eq!(summary.resumed_at, Some(100));
    }
}

#[tokio::test]
async fn a_lost_report_is_written_again_and_every_row_answers_as_before() {
    for kind in KINDS {
        let world = World::planted(200, 6);
        let producer = world.producer(kind, "store.db");
        let cancel = CancellationToken::new();
        let stop = |progress: &import::Progress| {
            if progress.tally.rows >= 150 {
                cancel.cancel();
            }
        };
        import::run(&world.options(), &producer, stop, &cancel).await.unwrap();
        for name in world.left_over() {
            fs::remove_file(world.path(&name)).unwrap();
        }
        let summary = run(&world.options(), &producer).await.unwrap();
        assert_planted(&summary, &world.planted);
        assert_eq!(summary.resumed_at, None);
        assert_eq!(
            codes(&world.report()).values().sum::<u64>(),
            world.planted.codes.values().sum::<u64>() + world.planted.conflicts
        );
    }
}

#[tokio::test]
async fn a_file_that_grows_meanwhile_is_told_and_what_came_in_stays() {
    let world = World::new(&SampleOptions::clean(300, 7));
    let producer = world.producer(Kind::Model, "");
    let file = world.path("customers.csv");
    let grown = AtomicBool::new(false);
    let grow = |progress: &import::Progress| {
        if progress.phase == Phase::Importing && !grown.swap(true, Ordering::Relaxed) {
            let mut text = fs::read_to_string(&file).unwrap();
            text.push_str("N-1,new@acme.example,Ada,Byron,Acme\n");
            fs::write(&file, text).unwrap();
        }
    };
    let error = watched(&world.options(), &producer, grow).await.unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
    assert!(error.to_string().contains("customers.csv") && error.help().contains("import it again"));
    let before = onboardings(&producer).await;
    assert!((10..300).contains(&before), "{before}");
    let summary = run(&world.options(), &producer).await.unwrap();
    assert_eq!((summary.rows, summary.duplicates, summary.enqueued), (301, before, 301 - before));
}

#[tokio::test]
async fn a_file_that_changes_unseen_is_told_at_its_end_and_begun_anew() {
    let world = World::new(&SampleOptions::clean(8_000, 8));
    let options = import::ImportOptions { batch: 100, ..world.options() };
    let file = world.path("customers.csv");
    let (was, modified) =
        (fs::read_to_string(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap());
    let write = |text: &str| {
        // As long as what stands there, so that no moment sees a shorter file.
        let mut file = fs::File::options().write(true).open(&file).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.set_modified(modified).unwrap();
    };
    // The reader is as far ahead as it may be nearly always, and waits. If it looks between the two steps of `write`, then it
    // sees the change: that is another story, so this one begins anew.
    let mut tries = 0;
    let producer = loop {
        tries += 1;
        let producer = world.producer(Kind::Sqlite, &format!("{tries}.db"));
        let forged = AtomicBool::new(false);
        let forge = |progress: &import::Progress| {
            if progress.tally.rows > 1_000 && !forged.swap(true, Ordering::Relaxed) {
                write(&was.replace(".example", ".exbmple"));
            }
        };
        let error = watched(&options, &producer, forge).await.unwrap_err();
        assert_eq!(world.left_over(), [""; 0]);
        write(&was);
        if matches!(error, Error::Changed { row: 8_000, .. }) {
            break producer;
        }
        assert!(tries < 20 && matches!(error, Error::Changed { .. }), "{error}");
    };
    let summary = run(&options, &producer).await.unwrap();
    assert_eq!((summary.rows, sum(&summary), summary.resumed_at), (8_000, 8_000, None));
    // Whose row was read in its other form is told, not passed over.
    assert!(summary.conflicts > 0 && summary.duplicates > 0 && summary.enqueued == 0, "{summary:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn many_rows_take_no_more_memory_than_few() {
    let peak = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let few = World::planted(1_000, 9);
    run(&few.options(), &few.producer(Kind::Sqlite, "store.db")).await.unwrap();
    let before = peak();
    let many = World::planted(20_000, 9);
    let options = import::ImportOptions { batch: 500, ..many.options() };
    run(&options, &many.producer(Kind::Sqlite, "store.db")).await.unwrap();
    assert!(peak() - before < 50 * 1024, "{before} then {} KiB", peak());
}
