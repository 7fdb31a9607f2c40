//! The stored form of onboardings and ledger rows: compact, and a contract between releases.
//!
//! An onboarding, all in this order:
//!
//! | part | form |
//! |---|---|
//! | revision | 8 bytes as they are, so that a script can compare them without reading on |
//! | version | 1 byte, see [`VERSION`] |
//! | slots | 1 byte: bits 0–2 the jobs that are there, bits 3–5 the fences, in the order of [`Kind::ALL`] |
//! | place, epoch number | numbers |
//! | record | see [`record`] |
//! | jobs | see [`job`] |
//! | fences | 8 bytes each |
//!
//! A ledger row is told in [`row`]. Neither holds the onboarding's id, which is its key.
//!
//! A number is a LEB128 varint, a signed one is zigzagged before, a text is its length and its UTF-8 bytes, a time is
//! the signed distance in milliseconds from when the onboarding was taken in. What has a well-known form is told by a
//! code; whatever does not come back from its code byte for byte is written as text. What is absent takes one bit.
//!
//! All that is read is checked, as the bytes may be anybody's: nothing panics, no length is believed before there are as
//! many bytes, and nothing may be left over at the end.

mod job;
mod kyb;
mod moment;
mod names;
mod payload;
mod reader;
mod record;
mod row;
mod timeline;
mod words;
mod writer;

use std::ops::BitOr;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::OnboardingId;
use gangway_jobs::job::Job;
use gangway_jobs::kind::Kind;

use self::reader::Reader;
use self::writer::Writer;
use super::onboarding::{Fence, Onboarding, Revision};

pub(super) use self::row::{decode as decode_row, encode as encode_row};

/// The version of the form that this release writes, and the only one so far. Any change of the form is another one.
const VERSION: u8 = 1;

/// Most onboardings fit in, so that encoding allocates once.
const USUAL_BYTES: usize = 256;

/// Stored bytes that this release cannot read. Never quotes them: a payload is personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// Written by a newer release.
    #[error("the stored form has version {found}; this release reads up to {VERSION}: upgrade gangway")]
    Newer {
        /// The version found.
        found: u8,
    },
    /// Not what any release wrote.
    #[error("the stored form is damaged at byte {at}: {what}")]
    Damaged {
        /// How far it could be read.
        at: usize,
        /// What was expected there.
        what: &'static str,
    },
}

/// Appends the stored form of an onboarding, with its leases taken off.
pub(super) fn encode(onboarding: &Onboarding, revision: Revision, out: &mut Vec<u8>) {
    out.reserve(USUAL_BYTES);
    let mut writer = Writer::new(out, onboarding.record.created_at);
    writer.raw(&revision.0);
    writer.byte(VERSION);
    writer.byte(slots(onboarding));
    writer.number(onboarding.place);
    writer.number(onboarding.epoch_number);
    record::write(&onboarding.record, uncertain_since(onboarding), &mut writer);
    for job in onboarding.jobs.iter().flatten() {
        job::write(job, &mut writer);
    }
    for fence in onboarding.fences.iter().flatten() {
        writer.raw(&fence.0);
    }
}

/// Reads the stored form of the onboarding of that id. Its jobs wait or are dead: leases are kept elsewhere.
///
/// # Errors
/// It is damaged, or of a newer version.
pub(super) fn decode(bytes: &[u8], id: OnboardingId) -> Result<(Revision, Onboarding), Unreadable> {
    let mut reader = Reader::new(bytes);
    let revision = Revision(reader.array("a revision")?);
    version(&mut reader)?;
    let slots = reader.byte("the slots")?;
    if slots >= 1 << 6 {
        return Err(reader.damaged("a slot that is known"));
    }
    let onboarding = Onboarding {
        place: reader.number("a place")?,
        epoch_number: reader.number("an epoch number")?,
        record: record::read(&mut reader, id)?,
        jobs: jobs(&mut reader, slots, id)?,
        fences: fences(&mut reader, slots >> 3)?,
    };
    reader.end()?;
    Ok((revision, onboarding))
}

fn slots(onboarding: &Onboarding) -> u8 {
    let jobs = bits(onboarding.jobs.each_ref().map(Option::is_some));
    jobs | bits(onboarding.fences.map(|fence| fence.is_some())) << 3
}

fn bits(set: [bool; 3]) -> u8 {
    u8::from(set[0]) | u8::from(set[1]) << 1 | u8::from(set[2]) << 2
}

/// The bits of the facts that are true.
fn union<T: BitOr<Output = T> + Default, const N: usize>(facts: [(T, bool); N]) -> T {
    facts.into_iter().fold(T::default(), |all, (fact, is_true)| if is_true { all | fact } else { all })
}

/// The uncertainty without the one that a leased create means.
fn uncertain_since(onboarding: &Onboarding) -> Option<Timestamp> {
    match onboarding.job(Kind::CreateCustomer).and_then(Job::lease) {
        Some(lease) => lease.uncertain_before,
        None => onboarding.record.uncertain_since,
    }
}

fn version(reader: &mut Reader<'_>) -> Result<(), Unreadable> {
    match reader.byte("a version")? {
        VERSION => Ok(()),
        0 => Err(reader.damaged("a version from 1")),
        found => Err(Unreadable::Newer { found }),
    }
}

fn jobs(reader: &mut Reader<'_>, slots: u8, id: OnboardingId) -> Result<[Option<Job>; 3], Unreadable> {
    let mut jobs = [None, None, None];
    for kind in Kind::ALL {
        let there = slots & 1 << kind.index() != 0;
        jobs[kind.index()] = reader.optional(there, |reader| job::read(reader, id, kind))?;
    }
    Ok(jobs)
}

/// The fences whose bits are set, from bit 0.
fn fences(reader: &mut Reader<'_>, slots: u8) -> Result<[Option<Fence>; 3], Unreadable> {
    let mut fences = [None; 3];
    for (slot, fence) in fences.iter_mut().enumerate() {
        let there = slots & 1 << slot != 0;
        *fence = reader.optional(there, |reader| reader.array("a fence").map(Fence))?;
    }
    Ok(fences)
}

#[cfg(test)]
mod tests;
