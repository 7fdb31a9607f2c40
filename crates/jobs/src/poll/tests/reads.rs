//! What a read means.

use proptest::prelude::*;

use super::*;
use crate::event::event_id;
use crate::payload::Payload;

proptest! {
    #[test]
    fn any_walk_through_any_statuses_ends_only_where_it_may(
        walk in prop::collection::vec((0..10_usize, 0..3_u8, any::<bool>(), 0..40_u32), 1..40),
    ) {
        let (policy, mut record, mut passed) = (PollPolicy::default(), record("INIT"), Duration::ZERO);
        for (word, updated_at, lower, days) in walk {
            passed += days * DAY;
            let word = WORDS.get(word).copied().unwrap_or("FROZEN");
            let word = if lower { word.to_lowercase() } else { word.to_owned() };
            let seen = kyb(&word, &updated_at.to_string());
            let moved = seen.has_moved_since(record.kyb.as_ref());
            let outcome = read(&policy, &record, passed, seen.clone());
            let ended = matches!(outcome, Outcome::Complete(_));
            match seen.status.status() {
                Status::Approved | Status::Rejected => prop_assert!(ended),
                Status::Init | Status::PendingResponse => {
                    let late = start().after(passed).since(record.status_since) >= policy.give_up_after;
                    prop_assert_eq!(ended, late && !moved);
                }
                Status::PendingReview | Status::UnderReview | Status::Escalated | Status::PendingApproval | Status::Provisioning | Status::Unknown => prop_assert!(!ended),
            }
            settle(&mut record, &outcome, passed);
            prop_assert_eq!(record.stage.is_end(), ended);
            if ended {
                break;
            }
        }
    }
}

#[test]
fn any_jump_between_statuses_is_told_once_and_leads_to_its_stage() {
    let stages = [
        Some(Stage::Linked),
        Some(Stage::InReview),
        Some(Stage::InReview),
        Some(Stage::ActionRequired),
        Some(Stage::InReview),
        Some(Stage::InReview),
        Some(Stage::InReview),
        Some(Stage::Approved),
        Some(Stage::Rejected),
    ];
    for from in WORDS {
        for (to, expected) in WORDS.into_iter().zip(stages) {
            let outcome = read(&lazy(), &record(from), HOUR, kyb(to, "t1"));
            assert_eq!(stage(&outcome), expected, "{from} {to}");
            let told = usize::from(from != to);
            let changes = events(&outcome).iter().filter(|kind| **kind == EventType::StatusChanged).count();
            assert_eq!(changes, told, "{from} {to}");
            assert_eq!(is_snooze(&outcome), !expected.is_some_and(Stage::is_end), "{from} {to}");
            assert!(outcome.step().patch.polled);
        }
    }
}

#[test]
fn a_form_without_a_link_is_only_created() {
    let mut record = record("INIT");
    record.link = None;
    assert_eq!(stage(&read(&lazy(), &record, HOUR, kyb("INIT", "t0"))), Some(Stage::Created));
}

#[test]
fn the_first_read_tells_a_status_that_came_from_nowhere() {
    let mut record = record("INIT");
    record.kyb = None;
    let outcome = read(&lazy(), &record, HOUR, kyb("INIT", "t0"));
    assert_eq!(events(&outcome), [EventType::StatusChanged]);
    assert!(outcome.step().events[0].data["previous_status"].is_null());
}

#[test]
fn the_same_status_in_another_spelling_is_no_change() {
    let outcome = read(&lazy(), &record("UNDER_REVIEW"), HOUR, kyb("under_review", "t0"));
    assert_eq!((events(&outcome), stage(&outcome)), (vec![], Some(Stage::InReview)));
    for word in ["approved", "Approved", " APPROVED "] {
        assert_eq!(stage(&read(&lazy(), &record("INIT"), HOUR, kyb(word, "t1"))), Some(Stage::Approved));
    }
    // One fact in two spellings is one event.
    let id = |word| {
        let outcome = read(&lazy(), &record("INIT"), HOUR, kyb(word, "t1"));
        event_id(record("INIT").id, EventType::StatusChanged, &outcome.step().events[0].fact)
    };
    assert_eq!(id("under_review"), id("UNDER_REVIEW"));
}

#[test]
fn an_unknown_status_is_told_in_its_own_word_and_ends_nothing() {
    let outcome = read(&lazy(), &record("INIT"), HOUR, kyb("Frozen", "t1"));
    assert_eq!((events(&outcome), stage(&outcome)), (vec![EventType::StatusChanged], None));
    assert_eq!(outcome.step().events[0].data["kyb_status"], "Frozen");
    assert!(is_snooze(&read(&lazy(), &record("Frozen"), 400 * DAY, kyb("Frozen", "t0"))));
}

#[test]
fn a_change_tells_both_statuses_and_the_apis_time() {
    let outcome = read(&lazy(), &record("INIT"), HOUR, kyb("PENDING_REVIEW", "t1"));
    let data = &outcome.step().events[0].data;
    assert_eq!(data["previous_status"], "INIT");
    assert_eq!(data["kyb_status"], "PENDING_REVIEW");
    assert_eq!((&data["api_updated_at"], &data["customer_id"]), (&json!("t1"), &json!("c-1")));
}

#[test]
fn more_to_supply_is_told_and_makes_a_link_when_eager() {
    for (policy, links) in [(PollPolicy::default(), 1), (lazy(), 0)] {
        let outcome = read(&policy, &record("UNDER_REVIEW"), HOUR, kyb("PENDING_RESPONSE", "t1"));
        assert_eq!(events(&outcome), [EventType::StatusChanged, EventType::ActionRequired]);
        assert_eq!(stage(&outcome), Some(Stage::ActionRequired));
        let queued: Vec<&Payload> =
            outcome.step().follow_ups.iter().map(|follow_up| &follow_up.payload).collect();
        assert_eq!(queued.len(), links);
        for payload in queued {
            assert_eq!(*payload, Payload::CreateLink(transition::next_link(&record("INIT"))));
        }
        assert!(is_snooze(&outcome), "polling goes on");
    }
}

#[test]
fn the_same_request_read_again_is_told_once_and_another_one_again() {
    let policy = PollPolicy::default();
    let mut record = record("UNDER_REVIEW");
    let first = read(&policy, &record, HOUR, kyb("PENDING_RESPONSE", "t1"));
    settle(&mut record, &first, HOUR);
    let same = read(&policy, &record, 2 * HOUR, kyb("pending_response", "t1"));
    assert_eq!((events(&same), same.step().follow_ups.len()), (vec![], 0));
    settle(&mut record, &same, 2 * HOUR);
    // Left and entered again between two reads.
    let again = read(&policy, &record, 3 * HOUR, kyb("PENDING_RESPONSE", "t2"));
    assert_eq!((events(&again), again.step().follow_ups.len()), (vec![EventType::ActionRequired], 1));
    let facts = [&first.step().events[1].fact, &again.step().events[0].fact];
    assert_ne!(facts[0], facts[1]);
}

#[test]
fn being_asked_again_starts_the_time_to_give_up_anew() {
    let policy = PollPolicy::default();
    let mut record = record("PENDING_RESPONSE");
    let again = read(&policy, &record, 31 * DAY, kyb("PENDING_RESPONSE", "t1"));
    let Outcome::Snooze { after, .. } = again else { panic!("given up at the very moment of being asked") };
    assert_eq!(after, policy.min_interval, "what has just moved is looked at soon");
    settle(&mut record, &again, 31 * DAY);
    assert!(is_snooze(&read(&policy, &record, 60 * DAY, kyb("PENDING_RESPONSE", "t1"))));
    let late = read(&policy, &record, 61 * DAY, kyb("PENDING_RESPONSE", "t1"));
    assert_eq!(stage(&late), Some(Stage::Expired));
}

#[test]
fn only_a_form_that_waits_for_the_customer_is_given_up() {
    for word in WORDS.into_iter().chain(["FROZEN"]) {
        let waits = matches!(word, "INIT" | "PENDING_RESPONSE");
        let ends = waits || matches!(word, "APPROVED" | "REJECTED");
        let early = read(&lazy(), &record(word), 29 * DAY, kyb(word, "t0"));
        let late = read(&lazy(), &record(word), 30 * DAY, kyb(word, "t0"));
        assert_eq!(is_snooze(&early), !ends || waits, "{word}");
        assert_eq!(is_snooze(&late), !ends, "{word}");
        assert_eq!(stage(&late) == Some(Stage::Expired), waits, "{word}");
    }
}

#[test]
fn a_change_at_the_last_moment_counts_even_if_nobody_looked_before() {
    let outcome = read(&lazy(), &record("PENDING_REVIEW"), 90 * DAY, kyb("INIT", "t1"));
    assert!(is_snooze(&outcome), "the status changed; nobody was polling meanwhile");
}

#[test]
fn a_review_of_a_month_turns_stale_and_comes_back() {
    let mut record = record("UNDER_REVIEW");
    let stale = read(&lazy(), &record, 30 * DAY, kyb("UNDER_REVIEW", "t0"));
    assert_eq!(stale.step().patch.stale, Some(true));
    let Outcome::Snooze { after, .. } = stale else { panic!("a review never expires") };
    assert_eq!(after, 45 * MINUTE);
    settle(&mut record, &stale, 30 * DAY);
    let back = read(&lazy(), &record, 31 * DAY, kyb("PENDING_APPROVAL", "t1"));
    assert_eq!(back.step().patch.stale, Some(false));
    let Outcome::Snooze { after, .. } = back else { panic!("not terminal") };
    assert_eq!(after, 30 * SECOND);
    settle(&mut record, &back, 31 * DAY);
    assert!(!record.stale);
    assert_eq!(read(&lazy(), &record, 32 * DAY, kyb("PENDING_APPROVAL", "t1")).step().patch.stale, None);
}
