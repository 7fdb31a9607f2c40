//! The promises with real processes and real kills, small; `cargo xtask prove` tells the same at full size.

use std::path::Path;

use gangway_testkit::World;
use gangway_testkit::stories::kills::{self, Kills};
use gangway_testkit::stories::{refusals, repeats};

fn world(seed: u64) -> World {
    World::new(Path::new(env!("CARGO_BIN_EXE_gangway")), seed).unwrap()
}

#[test]
fn a_killed_worker_loses_and_doubles_nobody() {
    let kills = Kills { customers: 150, times: 5, within_ms: 500, seed: 1 };
    kills::a_killed_worker_loses_and_doubles_nobody(&world(1), kills).unwrap();
}

#[test]
fn a_lost_store_creates_nobody_twice() {
    kills::a_lost_store_creates_nobody_twice(&world(2), 150, 2).unwrap();
}

#[test]
fn a_repeated_file_creates_nobody_again() {
    repeats::a_repeated_file_creates_nobody_again(&world(3), 150, 3).unwrap();
}

#[test]
fn taken_emails_are_buried_one_by_one() {
    refusals::taken_emails_are_buried_one_by_one(&mut world(4), 60, 4).unwrap();
}

#[test]
fn a_quota_raised_later_buries_nobody() {
    refusals::a_quota_raised_later_buries_nobody(&world(5), 60, 5).unwrap();
}

#[test]
fn a_late_effect_is_waited_for() {
    refusals::a_late_effect_is_waited_for(&mut world(6), 5, 2_500, 6).unwrap();
}
