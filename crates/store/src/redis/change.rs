//! From what was read and what it shall be to the steps of one write.
//!
//! No verb keeps an index, a lane or a sum by hand: all of them follow from the difference between before and after.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{CustomerId, JobId, OnboardingId};
use gangway_jobs::identity::EmailKey;
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{Origin, Record, Stage};
use sha2::{Digest as _, Sha256};

use super::codec;
use super::draft::{After, Draft, Moment, waits};
use super::found::{Aside, Kept};
use super::keys;
use super::onboarding::{Onboarding, Revision};
use super::take_back::member_of;
use super::write::Write;

/// What a digest of a reference or a customer id is under in its index.
pub(super) fn short_digest(text: &str) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&Sha256::digest(text.as_bytes())[..8]);
    short
}

/// The side of an onboarding that indexes and sums are made of.
#[derive(Default)]
struct Face<'a> {
    email: Option<EmailKey>,
    reference: Option<&'a str>,
    customer: Option<&'a CustomerId>,
    stage: Option<Stage>,
    origin: Option<Origin>,
    waits: bool,
    may_be_pruned: bool,
}

impl<'a> Face<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            email: Some(record.email_key),
            reference: record.reference.as_deref(),
            customer: record.customer_id.as_ref(),
            stage: Some(record.stage),
            origin: record.origin,
            waits: record.customer_id.is_some() && !record.stage.is_end(),
            may_be_pruned: record.stage.is_end() && record.is_told_by_a_ledger_row(),
        }
    }

    fn before(kept: &'a Kept) -> Self {
        match kept {
            Kept::Whole(onboarding, _) => Self::of(&onboarding.record),
            Kept::Row(row) => {
                Self { email: row.read.email_key, stage: Some(row.read.end), ..Self::default() }
            }
            Kept::Nothing | Kept::Damaged(_) => Self::default(),
        }
    }

    fn after(after: &'a After, before: &Self) -> Self {
        match after {
            After::Whole(onboarding) => Self::of(&onboarding.record),
            // The sums of its import go on counting it.
            After::Row(row) => Self {
                email: row.read.email_key,
                stage: Some(row.read.end),
                origin: before.origin,
                ..Self::default()
            },
            After::Nothing | After::Damaged => Self::default(),
        }
    }
}

impl Draft {
    /// Writes down what has changed, if anything has.
    pub(super) fn write_change(&self, moment: Moment, write: &mut Write) {
        let is_written = self.onboarding() != self.found.whole();
        if !is_written && !self.changes_beside() {
            return;
        }
        let before = Face::before(&self.found.kept);
        let after = Face::after(&self.after, &before);
        if !self.is_damaged() {
            self.ledger(write, moment);
            self.index(write, &before, &after);
            sums(write, &before, &after);
            self.pruning(write, &before, &after, moment.now);
        }
        let mut proven = false;
        for kind in Kind::ALL {
            self.job(write, kind, is_written);
            proven |= self.lease(write, kind, is_written, moment.now);
        }
        self.value(write, proven);
    }

    /// Whether anything changes that is not the onboarding itself.
    fn changes_beside(&self) -> bool {
        let row =
            |kept: &Kept| if let Kept::Row(row) = kept { Some((row.read.clone(), row.fences)) } else { None };
        let now = if let After::Row(row) = &self.after { Some((row.read.clone(), row.fences)) } else { None };
        !self.set_aside.is_empty() || now != row(&self.found.kept)
    }

    /// The stored form, and what proves that nothing was written since it was read.
    fn value(&self, write: &mut Write, proven: bool) {
        match &self.found.kept {
            Kept::Nothing => write.must_be_new(self.id()),
            Kept::Whole(..) if proven => {}
            Kept::Whole(_, revision) => write.must_have_revision(self.id(), &revision.0),
            Kept::Damaged(Some(beginning)) => write.must_have_revision(self.id(), beginning),
            // There is nothing that a write could overwrite.
            Kept::Damaged(None) => {}
            Kept::Row(row) => write.must_have_row(self.id(), &row.stored),
        }
        match &self.after {
            After::Whole(onboarding) => {
                let mut value = Vec::with_capacity(512);
                codec::encode(onboarding, Revision(rand::random()), &mut value);
                write.set(self.id(), &value);
            }
            After::Row(_) if self.found.whole().is_some() => write.delete(self.id()),
            After::Damaged | After::Nothing | After::Row(_) => {}
        }
    }

    fn ledger(&self, write: &mut Write, moment: Moment) {
        match (&self.found.kept, &self.after) {
            (Kept::Row(_), After::Whole(_)) => write.ledger_entry(self.id(), b""),
            (_, After::Row(row)) => {
                // Fences may have been set since the row was made.
                let stored = codec::encode_row(&row.read, moment.life.number, &row.fences);
                write.ledger_entry(self.id(), &stored);
                let was_erased = matches!(&self.found.kept, Kept::Row(row) if row.read.end == Stage::Erased);
                if row.read.end == Stage::Erased && !was_erased {
                    write.command("SADD", keys::REDACT, &[], &[self.id().to_string().as_bytes()]);
                    write.erases = true;
                }
            }
            (_, After::Nothing | After::Whole(_) | After::Damaged) => {}
        }
    }

    fn index(&self, write: &mut Write, before: &Face<'_>, after: &Face<'_>) {
        let id = self.id();
        if before.email != after.email {
            if let Some(email) = before.email {
                write.free_email(email, id);
            }
            if let Some(email) = after.email {
                write.claim_email(email, id);
            }
        }
        let mut lead = |index, was: Option<&str>, is: Option<&str>| {
            if was != is {
                if let Some(was) = was {
                    write.unlink(index, &short_digest(was), id);
                }
                if let Some(is) = is {
                    write.link(index, &short_digest(is), id);
                }
            }
        };
        lead(keys::REFERENCE, before.reference, after.reference);
        lead(keys::CUSTOMER, before.customer.map(CustomerId::as_str), after.customer.map(CustomerId::as_str));
    }

    fn pruning(&self, write: &mut Write, before: &Face<'_>, after: &Face<'_>, now: Timestamp) {
        let member = |onboarding: &Onboarding| prune_member(onboarding.place, self.id());
        match (before.may_be_pruned, after.may_be_pruned) {
            (false, true) => {
                if let Some(onboarding) = self.onboarding() {
                    let now = decimal(now.as_millis());
                    write.command("ZADD", keys::ENDED, &[], &[now.as_bytes(), &member(onboarding)]);
                }
            }
            (true, false) => {
                if let Some(onboarding) = self.found.whole() {
                    write.command("ZREM", keys::ENDED, &[], &[&member(onboarding)]);
                }
            }
            (true, true) | (false, false) => {}
        }
    }

    fn job(&self, write: &mut Write, kind: Kind, is_written: bool) {
        let name = member_of(JobId { onboarding: self.id(), kind });
        let before = self.found.whole().and_then(|onboarding| Some((onboarding, onboarding.job(kind)?)));
        let after = self.onboarding().and_then(|onboarding| Some((onboarding, onboarding.job(kind)?)));
        let place =
            |of: Option<(&Onboarding, &Job)>| of.and_then(|(onboarding, job)| Waiting::of(onboarding, job));
        let (was, is) = (place(before), place(after));
        if was != is {
            if let Some(was) = &was {
                write.wait_no_more(&was.lane, &was.member);
            }
            if let Some(is) = &is {
                write.wait(&is.lane, decimal(is.due).as_bytes(), &is.member);
            }
        } else if is_written && was.is_some() {
            // Were it leased meanwhile, its worker would believe in the onboarding as it was.
            write.must_not_be_held(&name);
        }
        let (was_retried, is_retried) = (was.and_then(|was| was.retried()), is.and_then(|is| is.retried()));
        if was_retried != is_retried {
            let id = self.id();
            let id = id.as_uuid().as_bytes();
            match is_retried {
                Some(due) => {
                    write.command("ZADD", keys::RETRY, &number_of(kind), &[decimal(due).as_bytes(), id]);
                }
                None => write.command("ZREM", keys::RETRY, &number_of(kind), &[id]),
            }
        }
        let is_dead =
            |of: Option<(&Onboarding, &Job)>| of.is_some_and(|(_, job)| matches!(job.hold, Hold::Dead(_)));
        match (is_dead(before), is_dead(after) || self.set_aside.contains(&kind)) {
            (false, true) => {
                write.command("ZADD", keys::DEAD, &[], &[b"0", &name]);
                write.sum(format!("d{}", kind.index()), 1);
            }
            (true, false) => {
                write.command("ZREM", keys::DEAD, &[], &[&name]);
                write.sum(format!("d{}", kind.index()), -1);
            }
            (true, true) | (false, false) => {}
        }
    }

    /// The lease of a job: it ends, or it stays and shows that something was written. Answers whether it is compared.
    fn lease(&self, write: &mut Write, kind: Kind, is_written: bool, now: Timestamp) -> bool {
        let name = member_of(JobId { onboarding: self.id(), kind });
        if let Some(aside) = self.found.aside[kind.index()].filter(|_| is_written) {
            // From now on its stored form says that it is dead, or what has become of it.
            write.must_be_held(&name, aside.as_bytes());
            write.end_lease(&name);
        }
        let Some(held) = self.found.held[kind.index()] else { return false };
        let after = self.onboarding().and_then(|onboarding| onboarding.job(kind));
        let stays = after.and_then(Job::lease).filter(|lease| lease.token == held.token());
        if let Some(lease) = stays {
            if is_written {
                let marked = if lease.hastened { held.hastened() } else { held };
                write.must_be_held(&name, held.as_bytes());
                write.mark_lease(&name, marked.written().as_bytes());
            }
            return is_written;
        }
        if self.is_damaged() && !self.set_aside.contains(&kind) {
            return false;
        }
        write.must_be_held(&name, held.as_bytes());
        if self.run_out.contains(&kind) {
            let until = self.found.until[kind.index()].as_millis();
            write.must_end(&name, decimal(until).as_bytes());
        }
        write.end_lease(&name);
        if self.is_damaged() {
            write.mark_lease(&name, Aside::new(now).as_bytes());
        }
        write.sum(format!("l{}", kind.index()), -1);
        let before = self.found.whole().and_then(|onboarding| onboarding.job(kind));
        if before.is_none_or(|job| job.losses > 0) {
            write.lone_no_more(&name);
        }
        true
    }
}

/// A kind as scripts know it.
const fn number_of(kind: Kind) -> [u8; 1] {
    [match kind {
        Kind::CreateCustomer => b'0',
        Kind::CreateLink => b'1',
        Kind::PollStatus => b'2',
    }]
}

/// Where a waiting job stands.
#[derive(PartialEq)]
pub(super) struct Waiting {
    pub(super) lane: Vec<u8>,
    due: i64,
    pub(super) member: [u8; 23],
}

impl Waiting {
    pub(super) fn of(onboarding: &Onboarding, job: &Job) -> Option<Self> {
        let lane = job.id.kind.index() * 4 + usize::from(job.parked) * 2 + usize::from(job.losses == 0);
        waits(job).then(|| Self {
            lane: lane.to_string().into_bytes(),
            due: job.due.as_millis(),
            member: member(job.attempt, onboarding.place, onboarding.record.id),
        })
    }

    /// When it is due, if it waits after a failure.
    fn retried(&self) -> Option<i64> {
        (self.member[0] > 0).then_some(self.due)
    }
}

/// The name of a waiting job in its lane. Of those that are due at the same time, fewer attempts come first, then who was
/// taken in first.
fn member(attempt: u32, place: u64, id: OnboardingId) -> [u8; 23] {
    let mut member = [0; 23];
    member[0] = u8::try_from(attempt).unwrap_or(u8::MAX);
    member[1..7].copy_from_slice(&place.to_be_bytes()[2..]);
    member[7..].copy_from_slice(id.as_uuid().as_bytes());
    member
}

fn prune_member(place: u64, id: OnboardingId) -> [u8; 22] {
    let mut prune = [0; 22];
    prune.copy_from_slice(&member(0, place, id)[1..]);
    prune
}

fn sums(write: &mut Write, before: &Face<'_>, after: &Face<'_>) {
    if before.stage != after.stage {
        for (stage, difference) in [(before.stage, -1), (after.stage, 1)] {
            if let Some(stage) = stage {
                write.sum(sum_of(stage), difference);
            }
        }
    }
    let import = |face: &Face<'_>| Some((face.origin?.import, face.stage?));
    let (was, is) = (import(before), import(after));
    if was != is {
        for (counted, difference) in [(was, -1), (is, 1)] {
            if let Some((import, stage)) = counted {
                write.import_sum(import, sum_of(stage), difference);
            }
        }
    }
    match (before.waits, after.waits) {
        (false, true) => write.sum("w".to_owned(), 1),
        (true, false) => write.sum("w".to_owned(), -1),
        (true, true) | (false, false) => {}
    }
}

/// The name of a stage's sum.
pub(super) fn sum_of(stage: Stage) -> String {
    format!("s{}", Stage::ALL.iter().position(|known| *known == stage).unwrap_or_default())
}

fn decimal(number: i64) -> String {
    number.to_string()
}
