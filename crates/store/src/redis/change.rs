//! From what was read and what it shall be to the steps of one write.
//!
//! No verb keeps an index, a lane or a sum by hand: all of them follow from the difference between before and after.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{CustomerId, OnboardingId};
use gangway_jobs::identity::EmailKey;
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{Origin, Record, Stage};
use redis::Cmd;
use sha2::{Digest as _, Sha256};

use super::codec;
use super::draft::{After, Draft, Moment, waits};
use super::found::Kept;
use super::onboarding::{Onboarding, Revision};
use super::steps::Steps;

/// The change of one onboarding, as the script `commit` reads it.
pub(super) struct Change {
    id: OnboardingId,
    expected: Vec<u8>,
    value: Vec<u8>,
    steps: Steps,
    erases: bool,
}

impl Change {
    /// Whether events must be cleaned after it.
    pub(super) const fn erases(&self) -> bool {
        self.erases
    }

    pub(super) fn write(&self, command: &mut Cmd) {
        command.arg(&self.id.as_uuid().as_bytes()[..]).arg(&self.expected[..]).arg(&self.value[..]);
        self.steps.write(command);
    }
}

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
        // One that met a foreign customer stays: no ledger row tells of that, and a row imported again must not meet it anew.
        let told_by_a_ledger_row = record.customer_id.is_some() || record.foreign_customer_id.is_none();
        Self {
            email: Some(record.email_key),
            reference: record.reference.as_deref(),
            customer: record.customer_id.as_ref(),
            stage: Some(record.stage),
            origin: record.origin,
            waits: record.customer_id.is_some() && !record.stage.is_end(),
            may_be_pruned: record.stage.is_end() && told_by_a_ledger_row,
        }
    }

    fn before(kept: &'a Kept) -> Self {
        match kept {
            Kept::Whole(onboarding, _) => Self::of(&onboarding.record),
            Kept::Row(row) => Self { email: row.row.email_key, stage: Some(row.row.end), ..Self::default() },
            Kept::Nothing | Kept::Damaged(_) => Self::default(),
        }
    }

    fn after(after: &'a After, before: &Self) -> Self {
        match after {
            After::Whole(onboarding) => Self::of(&onboarding.record),
            // The sums of its import go on counting it.
            After::Row(row) => Self {
                email: row.row.email_key,
                stage: Some(row.row.end),
                origin: before.origin,
                ..Self::default()
            },
            After::Nothing | After::Damaged => Self::default(),
        }
    }
}

impl Draft {
    /// What has changed, if anything has.
    pub(super) fn change(&self, moment: Moment) -> Option<Change> {
        let is_same = self.onboarding() == self.found.whole();
        let mut steps = Steps::default();
        let proven = self.steps(&mut steps, moment, !is_same);
        if is_same && steps.is_empty() {
            return None;
        }
        let expected = match &self.found.kept {
            Kept::Nothing => b"new".to_vec(),
            Kept::Whole(..) if proven => Vec::new(),
            Kept::Whole(_, revision) | Kept::Damaged(revision) => revision.0.to_vec(),
            Kept::Row(row) => [b"row".as_slice(), &row.stored].concat(),
        };
        let value = match &self.after {
            After::Whole(onboarding) => {
                let mut value = Vec::with_capacity(512);
                codec::encode(onboarding, Revision(rand::random()), &mut value);
                value
            }
            After::Damaged => b"=".to_vec(),
            After::Nothing | After::Row(_) => Vec::new(),
        };
        Some(Change { id: self.id(), expected, value, steps, erases: self.erases() })
    }

    /// Lists the steps; answers whether a lease among them proves that nothing has changed.
    fn steps(&self, steps: &mut Steps, moment: Moment, is_written: bool) -> bool {
        let before = Face::before(&self.found.kept);
        let after = Face::after(&self.after, &before);
        if !self.is_damaged() {
            self.ledger(steps, moment);
            index(steps, &before, &after);
            sums(steps, &before, &after);
            self.pruning(steps, &before, &after, moment.now);
            if self.erases() {
                steps.add(b'R', &[]);
            }
        }
        let mut proven = false;
        for kind in Kind::ALL {
            self.job(steps, kind, is_written);
            proven |= self.lease(steps, kind, is_written);
        }
        proven
    }

    /// Whether the onboarding is erased by this.
    fn erases(&self) -> bool {
        let was_erased = matches!(&self.found.kept, Kept::Row(row) if row.row.end == Stage::Erased);
        !was_erased && self.row().is_some_and(|row| row.end == Stage::Erased)
    }

    fn ledger(&self, steps: &mut Steps, moment: Moment) {
        match (&self.found.kept, &self.after) {
            (Kept::Nothing | Kept::Row(_), After::Whole(_)) => steps.add(b'L', &[b""]),
            (_, After::Row(row)) => {
                // Fences may have been set since the row was made.
                let stored = codec::encode_row(&row.row, moment.life.number, &row.fences);
                if !matches!(&self.found.kept, Kept::Row(kept) if kept.stored == stored) {
                    steps.add(b'L', &[&stored]);
                }
            }
            _ => {}
        }
    }

    fn pruning(&self, steps: &mut Steps, before: &Face<'_>, after: &Face<'_>, now: Timestamp) {
        let member = |onboarding: &Onboarding| prune_member(onboarding.place, self.id());
        match (before.may_be_pruned, after.may_be_pruned) {
            (false, true) => {
                if let Some(onboarding) = self.onboarding() {
                    steps.add(b'p', &[decimal(now.as_millis()).as_bytes(), &member(onboarding)]);
                }
            }
            (true, false) => {
                if let Some(onboarding) = self.found.whole() {
                    steps.add(b'P', &[&member(onboarding)]);
                }
            }
            (true, true) | (false, false) => {}
        }
    }

    fn job(&self, steps: &mut Steps, kind: Kind, is_written: bool) {
        let number = number_of(kind);
        let before = self.found.whole().and_then(|onboarding| Some((onboarding, onboarding.job(kind)?)));
        let after = self.onboarding().and_then(|onboarding| Some((onboarding, onboarding.job(kind)?)));
        let place = |of: Option<(&Onboarding, &Job)>| of.and_then(|(onboarding, job)| Waiting::of(onboarding, job));
        let (was, is) = (place(before), place(after));
        if was != is {
            if let Some(was) = &was {
                steps.add(b'x', &[&was.lane, &was.member]);
            }
            if let Some(is) = &is {
                steps.add(b'z', &[&is.lane, decimal(is.due).as_bytes(), &is.member]);
            }
        } else if is_written && was.is_some() {
            // Were it leased meanwhile, its worker would believe in the onboarding as it was.
            steps.add(b'w', &[&number]);
        }
        let (was_retried, is_retried) = (was.and_then(|was| was.retried()), is.and_then(|is| is.retried()));
        if was_retried != is_retried {
            match is_retried {
                Some(due) => steps.add(b't', &[&number, decimal(due).as_bytes()]),
                None => steps.add(b'u', &[&number]),
            }
        }
        let is_dead = |of: Option<(&Onboarding, &Job)>| of.is_some_and(|(_, job)| matches!(job.hold, Hold::Dead(_)));
        match (is_dead(before), is_dead(after) || self.set_aside.contains(&kind)) {
            (false, true) => steps.add(b'a', &[&number]),
            (true, false) => steps.add(b'b', &[&number]),
            (true, true) | (false, false) => {}
        }
    }

    /// The lease of a job: it ends, or it stays and shows that something was written. Answers whether it is compared.
    fn lease(&self, steps: &mut Steps, kind: Kind, is_written: bool) -> bool {
        let Some(held) = self.found.held[kind.index()] else { return false };
        let job = |onboarding: Option<&Onboarding>| onboarding.and_then(|onboarding| onboarding.job(kind)).cloned();
        let (before, after) = (job(self.found.whole()), job(self.onboarding()));
        let number = number_of(kind);
        let stays = after.as_ref().and_then(Job::lease).filter(|lease| lease.token == held.token());
        if let Some(lease) = stays {
            if is_written {
                let marked = if lease.hastened { held.hastened() } else { held };
                steps.add(b'm', &[&number, held.as_bytes(), marked.written().as_bytes()]);
            }
            return is_written;
        }
        if self.is_damaged() && !self.set_aside.contains(&kind) {
            return false;
        }
        steps.add(b'l', &[&number, held.as_bytes()]);
        if before.is_none_or(|job| job.losses > 0) {
            steps.add(b'S', &[&number]);
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
struct Waiting {
    lane: Vec<u8>,
    due: i64,
    member: [u8; 23],
}

impl Waiting {
    fn of(onboarding: &Onboarding, job: &Job) -> Option<Self> {
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

fn index(steps: &mut Steps, before: &Face<'_>, after: &Face<'_>) {
    if before.email != after.email {
        if let Some(email) = before.email {
            steps.add(b'E', &[email.as_bytes()]);
        }
        if let Some(email) = after.email {
            steps.add(b'e', &[email.as_bytes()]);
        }
    }
    if before.reference != after.reference {
        link(steps, b'F', before.reference);
        link(steps, b'f', after.reference);
    }
    if before.customer != after.customer {
        link(steps, b'C', before.customer.map(CustomerId::as_str));
        link(steps, b'c', after.customer.map(CustomerId::as_str));
    }
}

fn link(steps: &mut Steps, letter: u8, text: Option<&str>) {
    if let Some(text) = text {
        steps.add(letter, &[&short_digest(text)]);
    }
}

fn sums(steps: &mut Steps, before: &Face<'_>, after: &Face<'_>) {
    if before.stage != after.stage {
        for (stage, difference) in [(before.stage, "-1"), (after.stage, "1")] {
            if let Some(stage) = stage {
                steps.add(b'n', &[sum_of(stage).as_bytes(), difference.as_bytes()]);
            }
        }
    }
    let import = |face: &Face<'_>| Some((face.origin?.import, face.stage?));
    let (was, is) = (import(before), import(after));
    if was != is {
        for (counted, difference) in [(was, "-1"), (is, "1")] {
            if let Some((import, stage)) = counted {
                let import = import.as_uuid().as_bytes();
                steps.add(b'i', &[import, sum_of(stage).as_bytes(), difference.as_bytes()]);
            }
        }
    }
    match (before.waits, after.waits) {
        (false, true) => steps.add(b'n', &[b"w", b"1"]),
        (true, false) => steps.add(b'n', &[b"w", b"-1"]),
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
