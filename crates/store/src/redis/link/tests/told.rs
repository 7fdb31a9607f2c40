//! Which lines an outage leaves in the log.

use std::time::Duration;

use tokio::time::Instant;

use super::log::Log;
use crate::redis::link::fault::{Fault, Kind};
use crate::redis::link::outage::Outage;

fn refuses_writes() -> Fault {
    Fault { kind: Kind::Unwell("its disk is full".to_owned()), connection_is_spent: false }
}

#[test]
fn an_outage_is_told_when_it_begins_when_it_lasts_and_when_it_is_over() {
    let (log, _guard) = Log::begin();
    let (outage, begin) = (Outage::default(), Instant::now());
    for second in 0..200 {
        outage.failed("redis://h:1", &Fault::away("it is gone"), begin + Duration::from_secs(second));
    }
    let told = log.lines("WARN");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("it is gone") && told[1].contains("away_s=60"), "{told:?}");
    for second in 200..300 {
        outage.answered("redis://h:1", begin + Duration::from_secs(second));
    }
    let told = log.lines("INFO");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("away_ms=200000"), "{told:?}");
}

#[test]
fn a_server_that_comes_and_goes_does_not_fill_the_log() {
    let (log, _guard) = Log::begin();
    let (outage, begin) = (Outage::default(), Instant::now());
    for number in 0..100 {
        let at = begin + Duration::from_millis(number * 100);
        outage.failed("h", &Fault::away("it is gone"), at);
        outage.answered("h", at + Duration::from_millis(50));
    }
    assert_eq!((log.lines("WARN").len(), log.lines("INFO").len()), (1, 1));
    outage.failed("h", &Fault::away("it is gone"), begin + Duration::from_secs(12));
    assert_eq!(log.lines("WARN").len(), 2);
}

#[test]
fn reads_that_are_answered_do_not_make_a_full_disk_well() {
    let (log, _guard) = Log::begin();
    let (outage, begin) = (Outage::default(), Instant::now());
    for second in 0..30 {
        let at = begin + Duration::from_secs(second);
        outage.failed("h", &refuses_writes(), at);
        outage.answered("h", at + Duration::from_millis(500));
    }
    assert_eq!((log.lines("WARN").len(), log.lines("INFO").len()), (1, 0));
    outage.answered("h", begin + Duration::from_secs(35));
    let told = log.lines("INFO");
    assert!(told.len() == 1 && told[0].contains("away_ms=29500"), "{told:?}");
}
