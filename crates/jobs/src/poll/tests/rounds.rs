//! Rejected, and opened again.

use super::*;

/// The second round of a customer that was rejected at `t0`.
fn second_round() -> Record {
    let mut record = record("REJECTED");
    record.stage = Stage::Rejected;
    transition::reopen(&mut record, true, None, start());
    record
}

#[test]
fn in_a_later_round_the_old_rejection_does_not_count() {
    let outcome = read(&lazy(), &second_round(), HOUR, kyb("rejected", "t0"));
    assert!(is_snooze(&outcome));
    assert_eq!((events(&outcome), stage(&outcome)), (vec![], None));
    assert!(!outcome.step().patch.forget_rejection);
}

#[test]
fn in_a_later_round_a_rejection_counts_once_its_time_moved() {
    let outcome = read(&lazy(), &second_round(), HOUR, kyb("REJECTED", "t1"));
    assert_eq!(stage(&outcome), Some(Stage::Rejected));
    assert!(!is_snooze(&outcome) && outcome.step().patch.forget_rejection);
}

#[test]
fn in_a_later_round_a_rejection_counts_once_another_status_was_seen() {
    for word in ["INIT", "PENDING_REVIEW", "PENDING_RESPONSE", "FROZEN"] {
        let mut record = second_round();
        let between = read(&lazy(), &record, HOUR, kyb(word, "t0"));
        assert!(is_snooze(&between));
        settle(&mut record, &between, HOUR);
        let outcome = read(&lazy(), &record, 2 * HOUR, kyb("REJECTED", "t0"));
        assert_eq!(stage(&outcome), Some(Stage::Rejected), "{word}");
        assert_eq!(events(&outcome), [EventType::StatusChanged]);
    }
}

#[test]
fn each_round_tells_its_own_facts() {
    let first = read(&lazy(), &record("INIT"), HOUR, kyb("PENDING_REVIEW", "t1"));
    let second = read(&lazy(), &second_round(), HOUR, kyb("PENDING_REVIEW", "t1"));
    assert_ne!(first.step().events[0].fact, second.step().events[0].fact);
}

#[test]
fn a_later_round_in_which_nothing_comes_expires() {
    let record = second_round();
    assert!(is_snooze(&read(&lazy(), &record, 29 * DAY, kyb("REJECTED", "t0"))));
    let outcome = read(&lazy(), &record, 30 * DAY, kyb("REJECTED", "t0"));
    assert_eq!(stage(&outcome), Some(Stage::Expired));
    assert_eq!(outcome.step().patch.stale, None);
    // And the round after that still knows the old rejection.
    let mut record = record;
    settle(&mut record, &outcome, 30 * DAY);
    transition::reopen(&mut record, true, None, start().after(30 * DAY));
    assert!(is_snooze(&read(&lazy(), &record, 31 * DAY, kyb("REJECTED", "t0"))));
}
