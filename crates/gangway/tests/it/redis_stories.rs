//! The promises on Redis with real processes and real servers, small; `cargo xtask prove` tells the same at full size.

use std::path::Path;
use std::time::Duration;

use gangway_testkit::redis::{Cluster, Fsync, Options, Sentinels, Server};
use gangway_testkit::stories::failover::{self, Run};
use gangway_testkit::stories::fleet::{self, Fleet};
use gangway_testkit::stories::frozen::{self, Absence};
use gangway_testkit::stories::kills::{self, Kills};
use gangway_testkit::stories::lost_second::{self, Loss};
use gangway_testkit::stories::outage::{self, Outage};
use gangway_testkit::stories::stampede::{self, Stampede};
use gangway_testkit::stories::{refusals, repeats};
use gangway_testkit::{Backend, World};

fn options() -> Options {
    Options { appendonly: Some(Fsync::EverySec), ..Options::default() }
}

fn server() -> Server {
    Server::start(&options()).unwrap()
}

fn world(seed: u64, url: String) -> World {
    World::on(Path::new(env!("CARGO_BIN_EXE_gangway")), seed, Backend::Redis(url)).unwrap()
}

#[test]
fn a_fleet_shares_the_work() {
    let server = server();
    let size = Fleet { customers: 100, workers: 3, seed: 1 };
    fleet::a_fleet_shares_the_work(&world(1, server.url()), size).unwrap();
}

const ABSENCE: Absence =
    Absence { customers: 300, lease: Duration::from_secs(2), concurrency: 4, holds: 3, seed: 2 };

#[test]
fn the_jobs_of_a_killed_worker_run_again() {
    let server = server();
    let mut world = world(2, server.url());
    frozen::the_jobs_of_a_killed_worker_run_again(&mut world, &server, ABSENCE).unwrap();
}

#[test]
fn what_a_frozen_worker_brings_late_is_refused() {
    let server = server();
    let mut world = world(3, server.url());
    let rescued = frozen::what_a_frozen_worker_brings_late_is_refused(&mut world, &server, ABSENCE).unwrap();
    assert!(rescued.refused > 0, "{rescued:?}");
}

#[test]
fn an_outage_costs_nothing() {
    let mut server = server();
    let away = [0, 2_500].map(Duration::from_millis);
    let size = Outage { customers: 110, rate: 60, lease: Duration::from_secs(3), away: &away, seed: 4 };
    outage::an_outage_costs_nothing(&mut world(4, server.url()), &mut server, &size).unwrap();
}

#[test]
fn what_a_crash_took_is_imported_again() {
    let mut server = server();
    let loss = Loss { customers: 2_000, with_import: true, seed: 5 };
    lost_second::what_a_crash_took_is_imported_again(&world(5, server.url()), &mut server, loss).unwrap();
}

#[test]
fn what_a_crash_took_under_a_living_import_is_imported_again() {
    let mut server = server();
    let loss = Loss { customers: 2_000, with_import: false, seed: 6 };
    lost_second::what_a_crash_took_is_imported_again(&world(6, server.url()), &mut server, loss).unwrap();
}

#[test]
fn many_jobs_at_once_are_done_steadily() {
    let server = server();
    let size = Stampede { customers: 1_500, seed: 7 };
    // How long a script takes is for the proof to judge: here other tests have the processor too.
    stampede::many_jobs_at_once_are_done_steadily(
        &mut world(7, server.url()),
        &server,
        size,
        Duration::from_millis(5),
    )
    .unwrap();
}

#[test]
fn a_failover_loses_nobody() {
    let mut sentinels = Sentinels::start(3, &options()).unwrap();
    let mut world = world(8, sentinels.url());
    let run = Run { customers: 100, rate: 60, seed: 8 };
    failover::a_failover_loses_nobody(&mut world, &mut sentinels, run).unwrap();
}

#[test]
fn a_moved_slot_loses_nobody() {
    let cluster = Cluster::start(&options()).unwrap();
    let run = Run { customers: 100, rate: 60, seed: 9 };
    failover::a_moved_slot_loses_nobody(&mut world(9, cluster.url()), &cluster, run).unwrap();
}

#[test]
fn a_killed_worker_loses_and_doubles_nobody() {
    let server = server();
    let kills = Kills { customers: 150, times: 5, within_ms: 500, seed: 10 };
    kills::a_killed_worker_loses_and_doubles_nobody(&world(10, server.url()), kills).unwrap();
}

#[test]
fn a_lost_store_creates_nobody_twice() {
    let server = server();
    kills::a_lost_store_creates_nobody_twice(&world(11, server.url()), 150, 11).unwrap();
}

#[test]
fn a_repeated_file_creates_nobody_again() {
    let server = server();
    repeats::a_repeated_file_creates_nobody_again(&world(12, server.url()), 150, 12).unwrap();
}

#[test]
fn taken_emails_are_buried_one_by_one() {
    let server = server();
    refusals::taken_emails_are_buried_one_by_one(&mut world(13, server.url()), 60, 13).unwrap();
}

#[test]
fn a_quota_raised_later_buries_nobody() {
    let server = server();
    refusals::a_quota_raised_later_buries_nobody(&world(14, server.url()), 60, 14).unwrap();
}

#[test]
fn a_late_effect_is_waited_for() {
    let server = server();
    refusals::a_late_effect_is_waited_for(&mut world(15, server.url()), 5, 2_500, 15).unwrap();
}
