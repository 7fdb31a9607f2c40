//! Imports: one owner at a time, and where it got to.

use std::time::Duration;

use uuid::Uuid;

use super::world::import;
use super::{Harness, World};
use crate::{Checkpoint, ImportBegun, ImportStart};

const PATIENCE: Duration = Duration::from_secs(20);

fn start(digest: &str, owner: u128) -> ImportStart {
    ImportStart {
        digest: digest.to_owned(),
        name: "customers.csv".to_owned(),
        owner: Uuid::from_u128(owner),
        patience: PATIENCE,
    }
}

const fn rows(rows: u64) -> Checkpoint {
    Checkpoint { rows, enqueued: rows, duplicates: 0, conflicts: 0, revived: 0, refused: 0, report_bytes: 0 }
}

async fn begin<H: Harness>(world: &World<H>, digest: &str, owner: u128) -> ImportBegun {
    world.store.import_begin(start(digest, owner)).await.unwrap()
}

pub async fn an_import_that_was_cut_off_goes_on_where_it_was<H: Harness>() {
    let mut world = World::<H>::new().await;
    let ImportBegun::New(id) = begin(&world, "a", 1).await else { panic!("it is new") };
    assert!(world.store.import_progress(id, Uuid::from_u128(1), rows(500)).await.unwrap());
    world.advance(PATIENCE + Duration::from_millis(1));
    world.reopen().await;
    assert_eq!(begin(&world, "a", 2).await, ImportBegun::Resumed(id, rows(500)));
    let first = world.store.import_progress(id, Uuid::from_u128(1), rows(600)).await.unwrap();
    assert!(!first, "its former owner must stop");
    assert!(world.store.import_progress(id, Uuid::from_u128(2), rows(700)).await.unwrap());
    world.check().await;
}

pub async fn two_processes_do_not_import_one_file_at_once<H: Harness>() {
    let world = World::<H>::new().await;
    let ImportBegun::New(id) = begin(&world, "a", 1).await else { panic!("it is new") };
    world.advance_secs(5);
    assert_eq!(begin(&world, "a", 2).await, ImportBegun::Busy(Duration::from_secs(15)));
    assert!(world.store.import_progress(id, Uuid::from_u128(1), rows(1)).await.unwrap());
    world.advance_secs(15);
    assert_eq!(begin(&world, "a", 2).await, ImportBegun::Busy(Duration::from_secs(5)));
    assert!(matches!(begin(&world, "b", 2).await, ImportBegun::New(other) if other != id));
    world.check().await;
}

pub async fn a_repeated_begin_of_the_same_process_is_the_same_run<H: Harness>() {
    let world = World::<H>::new().await;
    let first = begin(&world, "a", 1).await;
    assert_eq!(begin(&world, "a", 1).await, first);
    let ImportBegun::New(id) = first else { panic!("it is new") };
    world.store.import_progress(id, Uuid::from_u128(1), rows(3)).await.unwrap();
    assert_eq!(begin(&world, "a", 1).await, ImportBegun::Resumed(id, rows(3)));
    world.check().await;
}

pub async fn a_finished_import_of_the_same_file_is_another_run<H: Harness>() {
    let mut world = World::<H>::new().await;
    let ImportBegun::New(id) = begin(&world, "a", 1).await else { panic!("it is new") };
    let owner = Uuid::from_u128(1);
    assert!(!world.store.import_end(id, Uuid::from_u128(2), rows(9)).await.unwrap());
    assert!(world.store.import_end(id, owner, rows(10)).await.unwrap());
    assert!(world.store.import_end(id, owner, rows(11)).await.unwrap(), "a repeat");
    assert!(!world.store.import_progress(id, owner, rows(12)).await.unwrap());
    world.reopen().await;
    assert!(matches!(begin(&world, "a", 2).await, ImportBegun::New(other) if other != id));
    assert!(!world.store.import_progress(import(404), owner, rows(1)).await.unwrap());
    world.check().await;
}
