//! The table of answers, and what a revival takes over.

use uuid::Uuid;

use super::*;
use crate::customer::RawCustomer;
use crate::failure::{Code, Failure};
use crate::id::CustomerId;
use crate::identity::IdentitySecret;

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn customer<'a>(reference: Option<&'a str>, email: &'a str, company_name: &'a str) -> NewCustomer {
    let raw = RawCustomer {
        reference,
        email,
        first_name: "Ada",
        last_name: "Byron",
        company_name,
        customer_type: None,
    };
    NewCustomer::parse(raw).unwrap()
}

fn identity() -> Identity {
    Identity::new(IdentitySecret::new("s"), "default")
}

fn new(email: &str, company: &str, row: Option<(u128, u64)>) -> NewOnboarding {
    let row = row.map(|(import, row)| (import_id(import), row));
    NewOnboarding::new(&identity(), customer(Some("A-17"), email, company), row)
}

fn import_id(number: u128) -> ImportId {
    ImportId::from_uuid(Uuid::from_u128(number))
}

fn key(number: u128) -> IdempotencyKey {
    IdempotencyKey::from_uuid(Uuid::from_u128(number))
}

/// Taken in by row 3 of import 1.
fn first() -> NewOnboarding {
    new("a@acme.example", "Acme", Some((1, 3)))
}

/// Another owner of the e-mail.
const ELSEWHERE: Option<OnboardingId> = Some(OnboardingId::from_uuid(Uuid::from_u128(99)));

/// An onboarding as the table tells of it: its stage, and what may be known beside.
#[derive(Clone, Copy, Debug)]
enum Was {
    At(Stage),
    /// Dead by that reason, with nothing uncertain.
    Dead(Code),
    DeadAndUncertain,
    DeadWithCustomer,
    DeadWithForeignCustomer,
}

fn record(was: Was) -> Record {
    let mut record = new_record(&first(), NOW);
    let code = match was {
        Was::At(stage) => {
            record.stage = stage;
            return record;
        }
        Was::Dead(code) => code,
        Was::DeadAndUncertain | Was::DeadWithCustomer => Code::Refused,
        Was::DeadWithForeignCustomer => Code::ForeignCustomer,
    };
    record.stage = Stage::Dead;
    record.failure = Some(Failure::new(code, "no", NOW));
    record.uncertain_since = matches!(was, Was::DeadAndUncertain).then_some(NOW);
    record.customer_id = matches!(was, Was::DeadWithCustomer).then(|| CustomerId::parse("c-1").unwrap());
    record.foreign_customer_id =
        matches!(was, Was::DeadWithForeignCustomer).then(|| CustomerId::parse("c-2").unwrap());
    record
}

#[test]
fn what_nobody_knows_is_new_unless_its_email_is_elsewhere() {
    let first = first();
    assert_eq!(decide(&first, &Known::Nothing, None), Answer::New);
    assert_eq!(decide(&first, &Known::Nothing, Some(first.id)), Answer::New);
    assert_eq!(decide(&first, &Known::Nothing, ELSEWHERE), Answer::ConflictingEmail);
}

#[test]
fn a_known_onboarding_is_answered_by_its_stage_and_content() {
    use Answer::{ConflictingContent as Other, Duplicate, Revived};
    // From another import: the same content, another company, another e-mail.
    let table = [
        (Was::At(Stage::Accepted), [Duplicate, Other, Other]),
        (Was::At(Stage::Created), [Duplicate, Other, Other]),
        (Was::At(Stage::Linked), [Duplicate, Other, Other]),
        (Was::At(Stage::InReview), [Duplicate, Other, Other]),
        (Was::At(Stage::ActionRequired), [Duplicate, Other, Other]),
        (Was::At(Stage::Approved), [Duplicate, Other, Other]),
        (Was::At(Stage::Rejected), [Duplicate, Other, Other]),
        (Was::At(Stage::Expired), [Revived, Other, Other]),
        (Was::At(Stage::Cancelled), [Revived, Other, Other]),
        (Was::At(Stage::Erased), [Duplicate, Duplicate, Duplicate]),
        (Was::Dead(Code::Invalid), [Revived, Revived, Revived]),
        (Was::Dead(Code::EmailTaken), [Revived, Revived, Revived]),
        (Was::Dead(Code::Refused), [Revived, Revived, Revived]),
        (Was::Dead(Code::Unresolved), [Revived, Other, Other]),
        (Was::Dead(Code::Unreachable), [Revived, Other, Other]),
        (Was::Dead(Code::Poison), [Revived, Other, Other]),
        (Was::DeadAndUncertain, [Revived, Other, Other]),
        (Was::DeadWithCustomer, [Duplicate, Other, Other]),
        (Was::DeadWithForeignCustomer, [Duplicate, Other, Other]),
    ];
    for (was, expected) in table {
        let record = record(was);
        for row in [None, Some((2, 3))] {
            let answers =
                [("a@acme.example", "Acme"), ("a@acme.example", "Acme Ltd"), ("b@acme.example", "Acme")].map(
                    |(email, company)| {
                        decide(&new(email, company, row), &Known::Record(&record), Some(record.id))
                    },
                );
            assert_eq!(answers, expected, "{was:?} {row:?}");
        }
    }
}

#[test]
fn an_email_that_is_elsewhere_is_a_conflict_unless_nothing_happens_anyway() {
    let table = [
        (Was::At(Stage::Approved), "Acme", Answer::Duplicate),
        (Was::At(Stage::Approved), "Acme Ltd", Answer::ConflictingEmail),
        (Was::At(Stage::Cancelled), "Acme", Answer::ConflictingEmail),
        (Was::Dead(Code::Refused), "Acme", Answer::ConflictingEmail),
        (Was::Dead(Code::Refused), "Acme Ltd", Answer::ConflictingEmail),
        (Was::At(Stage::Erased), "Acme Ltd", Answer::Duplicate),
    ];
    for (was, company, expected) in table {
        let again = new("a@acme.example", company, Some((2, 1)));
        let record = record(was);
        assert_eq!(decide(&again, &Known::Record(&record), ELSEWHERE), expected, "{was:?} {company}");
        let row = LedgerRow::of(&record);
        assert_eq!(decide(&again, &Known::Ledger(&row), ELSEWHERE), expected, "ledger {was:?} {company}");
    }
}

#[test]
fn the_same_row_again_is_answered_as_the_first_time_whatever_has_become_of_it() {
    for stage in Stage::ALL {
        let mut record = record(Was::At(stage));
        for (revived, expected) in [(false, Answer::New), (true, Answer::Revived)] {
            record.origin = Some(Origin { import: import_id(1), row: 3, revived });
            assert!(is_repeat(&first(), &record));
            assert_eq!(decide(&first(), &Known::Record(&record), Some(record.id)), expected, "{stage}");
        }
    }
}

#[test]
fn only_the_same_row_with_the_same_content_is_a_repeat() {
    let record = record(Was::At(Stage::Created));
    let others = [
        new("a@acme.example", "Acme Ltd", Some((1, 3))),
        new("a@acme.example", "Acme", Some((1, 4))),
        new("a@acme.example", "Acme", Some((2, 3))),
        new("a@acme.example", "Acme", None),
    ];
    for other in others {
        assert!(!is_repeat(&other, &record), "{:?}", other.row);
    }
    // What an app hands in has no row to be told by.
    let from_app = new("a@acme.example", "Acme", None);
    assert!(!is_repeat(&from_app, &new_record(&from_app, NOW)));
}

#[test]
fn of_two_rows_of_one_file_the_first_counts_however_it_ended() {
    for was in [Was::At(Stage::Created), Was::At(Stage::Cancelled), Was::Dead(Code::Refused)] {
        let record = record(was);
        let known = Known::Record(&record);
        let same = new("a@acme.example", "Acme", Some((1, 9)));
        let other = new("a@acme.example", "Acme Ltd", Some((1, 9)));
        assert_eq!(decide(&same, &known, Some(record.id)), Answer::Duplicate, "{was:?}");
        assert_eq!(decide(&other, &known, Some(record.id)), Answer::ConflictingContent, "{was:?}");
    }
}

#[test]
fn the_ledger_answers_as_the_record_did() {
    let ends = [
        Was::At(Stage::Approved),
        Was::At(Stage::Rejected),
        Was::At(Stage::Expired),
        Was::At(Stage::Cancelled),
        Was::At(Stage::Erased),
        Was::Dead(Code::Invalid),
        Was::Dead(Code::Unresolved),
        Was::DeadAndUncertain,
        Was::DeadWithCustomer,
    ];
    for was in ends {
        let record = record(was);
        let row = LedgerRow::of(&record);
        for (email, company) in
            [("a@acme.example", "Acme"), ("a@acme.example", "Acme Ltd"), ("b@acme.example", "Acme")]
        {
            let again = new(email, company, Some((2, 3)));
            assert_eq!(
                decide(&again, &Known::Ledger(&row), Some(record.id)),
                decide(&again, &Known::Record(&record), Some(record.id)),
                "{was:?} {email} {company}"
            );
        }
    }
}

#[test]
fn a_ledger_row_that_lost_its_content_revives_nothing() {
    let mut row = LedgerRow::of(&record(Was::At(Stage::Cancelled)));
    row.content = None;
    assert_eq!(decide(&first(), &Known::Ledger(&row), None), Answer::Duplicate);
}

#[test]
fn without_a_reference_another_email_is_another_onboarding() {
    let nameless = |email| NewOnboarding::new(&identity(), customer(None, email, "Acme"), None);
    assert_ne!(nameless("a@acme.example").id, nameless("b@acme.example").id);
    assert_eq!(nameless("a@acme.example").id, nameless(" A@Acme.Example").id);
    assert_ne!(nameless("a@acme.example").id, first().id);
    assert_eq!(nameless("a@acme.example").email_key, first().email_key);
}

#[test]
fn a_new_record_starts_the_first_round() {
    let record = new_record(&first(), NOW);
    assert_eq!((record.stage, record.round, record.generation), (Stage::Accepted, 1, 0));
    assert_eq!((record.key, record.reference.as_deref()), (first().key, Some("A-17")));
    assert_eq!(record.origin, Some(Origin { import: import_id(1), row: 3, revived: false }));
    assert_eq!(record.timeline.len(), 1);
}

#[test]
fn a_revival_with_the_same_content_keeps_its_keys() {
    let mut record = record(Was::At(Stage::Cancelled));
    (record.generation, record.key_refused, record.cancel_requested) = (2, true, true);
    record.retire_key(key(7));
    let before = record.clone();
    take_over(&mut record, &new("a@acme.example", "Acme", Some((2, 5))));
    assert_eq!(record.origin, Some(Origin { import: import_id(2), row: 5, revived: true }));
    assert!(!record.cancel_requested);
    assert_eq!(
        (record.key, &record.earlier_keys, record.generation, record.key_refused),
        (key(7), &before.earlier_keys, 2, true)
    );
}

#[test]
fn another_name_under_the_same_email_keeps_the_key_that_was_refused() {
    let mut record = record(Was::Dead(Code::Invalid));
    (record.generation, record.key_refused) = (1, true);
    record.retire_key(key(7));
    let renamed = new("a@acme.example", "Acme Ltd", None);
    take_over(&mut record, &renamed);
    assert_eq!((record.content, record.origin), (renamed.content, None));
    assert_eq!((record.key, record.generation, record.key_refused), (key(7), 1, true));
}

#[test]
fn another_email_begins_keys_of_its_own_and_remembers_the_old_ones() {
    let mut record = record(Was::Dead(Code::EmailTaken));
    (record.generation, record.key_refused) = (1, true);
    record.retire_key(key(7));
    let moved = new("b@acme.example", "Acme", None);
    take_over(&mut record, &moved);
    assert_eq!((record.email_key, record.key), (moved.email_key, moved.key));
    assert_eq!((record.generation, record.key_refused), (0, false));
    assert_eq!(record.earlier_keys, [first().key, key(7)]);
    // Back to the first e-mail: its key was refused, and is looked up before it is used again.
    take_over(&mut record, &first());
    assert_eq!((record.key, record.generation, record.key_refused), (first().key, 0, true));
    assert!(record.earlier_keys.contains(&moved.key));
}

#[test]
fn a_record_made_of_its_ledger_row_goes_on_where_it_was() {
    let mut record = record(Was::Dead(Code::Refused));
    (record.round, record.generation, record.sequence, record.key_refused) = (3, 2, 41, true);
    record.retire_key(key(7));
    let row = LedgerRow::of(&record);
    let again = record_from_ledger(&first(), &row, NOW);
    assert_eq!((again.stage, again.round, again.sequence), (Stage::Dead, 3, 41));
    assert_eq!((again.key, again.generation, again.key_refused), (key(7), 2, true));
    assert_eq!(again.earlier_keys, [first().key]);
}

#[test]
fn a_record_made_of_its_ledger_row_for_another_email_uses_that_ones_first_key() {
    for generation in [0, 2] {
        let mut record = record(Was::Dead(Code::Refused));
        record.key_refused = true;
        if generation > 0 {
            record.generation = generation;
            record.retire_key(key(7));
        }
        let moved = new("b@acme.example", "Acme", None);
        let again = record_from_ledger(&moved, &LedgerRow::of(&record), NOW);
        assert_eq!((again.key, again.generation, again.key_refused), (moved.key, 0, false));
        assert_eq!(again.earlier_keys.contains(&key(7)), generation > 0);
    }
}

#[test]
fn only_the_two_conflicts_are_conflicts() {
    let table = [
        (Answer::New, false),
        (Answer::Duplicate, false),
        (Answer::Revived, false),
        (Answer::ConflictingContent, true),
        (Answer::ConflictingEmail, true),
    ];
    for (answer, conflict) in table {
        assert_eq!(answer.is_conflict(), conflict, "{answer:?}");
    }
}
