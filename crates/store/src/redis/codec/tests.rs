//! The stored form as a whole: its size, what a lease leaves, and what cannot be read.

mod any;
mod golden;
mod samples;
mod strategies;

use gangway_jobs::id::{LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::job::{Hold, Lease};
use gangway_jobs::onboarding::{LedgerRow, Stage};
use uuid::Uuid;

use self::samples::{at, everything, fence, polled};
use super::*;

const REVISION: Revision = Revision(*b"revision");

fn encoded(onboarding: &Onboarding) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(onboarding, REVISION, &mut bytes);
    bytes
}

#[test]
fn an_onboarding_that_waits_between_polls_takes_at_most_300_bytes() {
    let onboarding = polled();
    assert_eq!(
        (onboarding.record.stage, onboarding.record.polls, onboarding.record.sequence),
        (Stage::InReview, 14, 4)
    );
    let texts: Vec<_> = onboarding.record.timeline.iter().map(|entry| entry.what.as_str()).collect();
    assert_eq!(
        texts,
        ["accepted", "created", "linked", "link 1", "kyb PENDING_REVIEW", "in_review"],
        "walked through the stages"
    );
    let bytes = encoded(&onboarding);
    assert!(bytes.len() <= 300, "{} bytes", bytes.len());
    assert_eq!(decode(&bytes, onboarding.record.id), Ok((REVISION, onboarding)));
}

#[test]
fn a_usual_ledger_row_takes_at_most_64_bytes() {
    let record = polled().record;
    let row = LedgerRow { end: Stage::Approved, ..LedgerRow::of(&record) };
    let bytes = encode_row(&row, 3, &[None; 3]);
    assert!(bytes.len() <= 64, "{} bytes", bytes.len());
    assert_eq!(decode_row(&bytes, row.id), Ok((row, 3, [None; 3])));
}

#[test]
fn encoding_appends_and_begins_with_the_revision() {
    let mut bytes = b"before".to_vec();
    encode(&everything(), REVISION, &mut bytes);
    assert!(bytes.starts_with(b"beforerevision"));
    assert_eq!(bytes[6..], encoded(&everything()));
}

fn lease_it(onboarding: &mut Onboarding, kind: Kind, attempt: u32, uncertain_before: Option<Timestamp>) {
    let job = onboarding.jobs[kind.index()].as_mut().unwrap();
    job.attempt = attempt;
    job.hold = Hold::Leased(Lease {
        token: LeaseToken::from_uuid(Uuid::from_u128(1)),
        worker: WorkerId::from_uuid(Uuid::from_u128(2)),
        since: at(5),
        until: at(6),
        uncertain_before,
        hastened: true,
    });
}

#[test]
fn what_a_lease_changes_is_taken_off() {
    for uncertain_before in [None, Some(at(4))] {
        let mut onboarding = everything();
        onboarding.record.uncertain_since = Some(at(5));
        lease_it(&mut onboarding, Kind::CreateCustomer, 3, uncertain_before);
        let (_, back) = decode(&encoded(&onboarding), onboarding.record.id).unwrap();
        let (leased, job) = (onboarding.jobs[0].take().unwrap(), back.jobs[0].clone().unwrap());
        assert_eq!((job.attempt, &job.hold, job.due), (2, &Hold::Waiting, leased.due));
        assert_eq!(back.record.uncertain_since, uncertain_before);
        onboarding.record.uncertain_since = uncertain_before;
        assert_eq!(back.record, onboarding.record, "nothing else");
        assert_eq!(back.jobs[1..], onboarding.jobs[1..]);
    }
}

#[test]
fn the_lease_of_another_kind_leaves_the_uncertainty() {
    for kind in [Kind::CreateLink, Kind::PollStatus] {
        let mut onboarding = everything();
        onboarding.record.uncertain_since = Some(at(5));
        lease_it(&mut onboarding, kind, 0, None);
        let (_, back) = decode(&encoded(&onboarding), onboarding.record.id).unwrap();
        assert_eq!(back.record.uncertain_since, Some(at(5)));
        assert_eq!(back.job(kind).unwrap().attempt, 0, "not below");
    }
}

#[test]
fn fences_stay_with_the_row_of_an_erased_one_alone() {
    let fences = [Some(fence(1)), None, Some(fence(3))];
    let row = LedgerRow::of(&polled().record);
    for (end, kept) in [(Stage::Erased, fences), (Stage::Cancelled, [None; 3])] {
        let row = LedgerRow { end, ..row.clone() };
        let (_, _, back) = decode_row(&encode_row(&row, 0, &fences), row.id).unwrap();
        assert_eq!(back, kept, "{end}");
    }
}

#[test]
fn a_newer_version_says_what_to_do() {
    let id = OnboardingId::from_uuid(Uuid::nil());
    let newer = Unreadable::Newer { found: 2 };
    let mut bytes = encoded(&everything());
    bytes[8] = 2;
    assert_eq!(decode(&bytes, id), Err(newer));
    let mut row = encode_row(&LedgerRow::of(&everything().record), 0, &[None; 3]);
    row[0] = 2;
    assert_eq!(decode_row(&row, id), Err(newer));
    assert_eq!(
        newer.to_string(),
        "the stored form has version 2; this release reads up to 1: upgrade gangway"
    );
}

#[test]
fn damage_tells_its_place_and_nothing_of_the_content() {
    let onboarding = everything();
    let id = onboarding.record.id;
    let bytes = encoded(&onboarding);
    let cut = decode(&bytes[..bytes.len() - 1], id).unwrap_err();
    assert_eq!(cut.to_string(), format!("the stored form is damaged at byte {}: a fence", bytes.len() - 8));
    let longer = [bytes.as_slice(), b"x"].concat();
    assert_eq!(decode(&longer, id), Err(Unreadable::Damaged { at: bytes.len(), what: "the end" }));
    assert_eq!(decode(b"revision\0", id), Err(Unreadable::Damaged { at: 9, what: "a version from 1" }));
    assert_eq!(decode(b"", id), Err(Unreadable::Damaged { at: 0, what: "a revision" }));
    assert_eq!(decode_row(b"", id), Err(Unreadable::Damaged { at: 0, what: "a version" }));
}

/// They could mean anything: to go on would be to lose what they tell.
#[test]
fn bits_that_no_release_has_set_are_damage() {
    let onboarding = everything();
    let id = onboarding.record.id;
    for (at, bits) in [(9, 0x40), (9, 0x80), (17, 0x10)] {
        let mut bytes = encoded(&onboarding);
        assert_eq!(bytes[at] & bits, 0);
        bytes[at] |= bits;
        assert_eq!(decode(&bytes, id).unwrap_err(), Unreadable::Damaged { at: at + 1, what: unknown(at) });
    }
    for job in [&[0x80, 0, 0][..], &[0x60, 0, 0]] {
        assert!(job::read(&mut Reader::new(job), id, Kind::PollStatus).is_err(), "{job:?}");
    }
    assert!(job::read(&mut Reader::new(&[0x20, 0]), id, Kind::PollStatus).is_ok());
}

const fn unknown(at: usize) -> &'static str {
    if at == 9 { "a slot that is known" } else { "a record whose parts are known" }
}
