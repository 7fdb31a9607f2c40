//! When to look again.

use proptest::prelude::*;

use super::*;

#[test]
fn the_cadence_follows_status_age_and_hints() {
    let table = [
        // status, unchanged for, hinted before, looked at again after
        ("INIT", Duration::ZERO, None, 30 * SECOND),
        ("INIT", 9 * MINUTE, None, 30 * SECOND),
        ("INIT", 10 * MINUTE, None, MINUTE),
        ("INIT", 5 * HOUR, None, 30 * MINUTE),
        ("INIT", 20 * DAY, None, 45 * MINUTE),
        ("INIT", 20 * DAY, Some(9 * MINUTE), 30 * SECOND),
        ("INIT", 20 * DAY, Some(11 * MINUTE), 45 * MINUTE),
        ("PENDING_RESPONSE", 5 * HOUR, None, 30 * MINUTE),
        ("FROZEN", 5 * HOUR, None, 30 * MINUTE),
        ("PENDING_REVIEW", 20 * DAY, None, 30 * SECOND),
        ("under_review", 20 * DAY, None, 30 * SECOND),
        ("ESCALATED", 20 * DAY, None, 30 * SECOND),
        ("PENDING_APPROVAL", 20 * DAY, None, 30 * SECOND),
        ("PROVISIONING", 20 * DAY, None, 30 * SECOND),
    ];
    for (status, age, hinted, expected) in table {
        let mut record = record(status);
        let now = start().after(age);
        record.hinted_at = hinted.map(|before| now.before(before));
        let delay = lazy().delay(&record, now, 0.0, Duration::ZERO);
        assert_eq!(delay, expected, "{status} {age:?} {hinted:?}");
    }
}

#[test]
fn what_is_stale_is_looked_at_rarely() {
    let mut record = record("UNDER_REVIEW");
    record.stale = true;
    assert_eq!(lazy().delay(&record, start().after(31 * DAY), 1.0, Duration::ZERO), HOUR);
}

#[test]
fn a_crowd_spaces_even_the_urgent() {
    let mut record = record("UNDER_REVIEW");
    for (crowd, random, expected) in [
        (10 * SECOND, 0.0, 30 * SECOND),
        (5 * MINUTE, 0.0, 5 * MINUTE),
        (5 * MINUTE, 1.0, 10 * MINUTE),
        (5 * HOUR, 0.0, 5 * HOUR),
        (5 * HOUR, 1.0, 10 * HOUR),
        (Duration::MAX, 0.0, 30 * DAY),
    ] {
        assert_eq!(lazy().delay(&record, start(), random, crowd), expected, "{crowd:?} {random}");
        record.hinted_at = Some(start());
        assert_eq!(lazy().delay(&record, start(), random, crowd), expected, "{crowd:?} {random}, hinted");
        record.hinted_at = None;
    }
}

#[test]
fn even_the_longest_interval_is_spread() {
    let record = record("INIT");
    let at = |random| lazy().delay(&record, start().after(20 * DAY), random, Duration::ZERO);
    assert_eq!([at(0.0), at(0.5), at(1.0)], [45 * MINUTE, 3150 * SECOND, HOUR]);
}

proptest! {
    #[test]
    fn a_delay_keeps_its_bounds(
        word in prop::sample::select(WORDS.to_vec()),
        age in 0..10_000_000_u32,
        hinted in prop::option::of(0..10_000_000_u32),
        random in 0.0..1.0_f64,
        crowd in 0..20_000_u32,
        stale in any::<bool>(),
        (min, max) in (1..100_u32, 0..10_000_u32),
    ) {
        let mut record = record(word);
        let now = start().after(age * SECOND);
        record.hinted_at = hinted.map(|before| now.before(before * SECOND));
        record.stale = stale;
        let policy = PollPolicy { min_interval: min * SECOND, max_interval: (min + max) * SECOND, ..lazy() };
        let crowd = crowd * SECOND;
        let delay = policy.delay(&record, now, random, crowd);
        prop_assert!(delay >= policy.min_interval.max(crowd), "{delay:?}");
        prop_assert!(delay <= policy.max_interval.max(2 * crowd), "{delay:?}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_named() {
    assert_eq!(PollPolicy::default().validate(), Ok(()));
    let table = [
        PollPolicy { min_interval: Duration::ZERO, ..lazy() },
        PollPolicy { min_interval: 2 * HOUR, ..lazy() },
        PollPolicy { give_up_after: MINUTE, ..lazy() },
    ];
    for policy in table {
        assert!(policy.validate().unwrap_err().starts_with("poll."), "{policy:?}");
    }
}
