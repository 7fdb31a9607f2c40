//! A job without its lease: one byte of what is there, the due time, and what is there.
//!
//! | bits | what |
//! |---|---|
//! | 0 | dead: the time since when follows the due time |
//! | 1 | parked |
//! | 2, 3, 4 | attempts, losses, a failure follow |
//! | 5–7 | the form of the payload, which comes last |

use gangway_jobs::failure::Failure;
use gangway_jobs::id::{JobId, OnboardingId};
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::kind::Kind;

use super::payload::Form;
use super::reader::Reader;
use super::writer::Writer;
use super::{Unreadable, union, words};

const DEAD: u8 = 1;
const PARKED: u8 = 1 << 1;
const ATTEMPTS: u8 = 1 << 2;
const LOSSES: u8 = 1 << 3;
const FAILURE: u8 = 1 << 4;
const FORM: u32 = 5;

pub(super) fn write(job: &Job, writer: &mut Writer<'_>) {
    let form = Form::of(&job.payload);
    let attempt = attempt_before(job);
    let there = union([
        (DEAD, matches!(job.hold, Hold::Dead(_))),
        (PARKED, job.parked),
        (ATTEMPTS, attempt > 0),
        (LOSSES, job.losses > 0),
        (FAILURE, job.failure.is_some()),
    ]);
    writer.byte(there | form.code() << FORM);
    writer.time(job.due);
    if let Hold::Dead(since) = job.hold {
        writer.time(since);
    }
    if attempt > 0 {
        writer.number(u64::from(attempt));
    }
    if job.losses > 0 {
        writer.number(u64::from(job.losses));
    }
    if let Some(failure) = &job.failure {
        write_failure(failure, writer);
    }
    form.write(writer);
}

/// Without the attempt that a lease counts.
const fn attempt_before(job: &Job) -> u32 {
    match job.hold {
        Hold::Leased(_) => job.attempt.saturating_sub(1),
        Hold::Waiting | Hold::Dead(_) => job.attempt,
    }
}

pub(super) fn read(reader: &mut Reader<'_>, onboarding: OnboardingId, kind: Kind) -> Result<Job, Unreadable> {
    let there = reader.byte("a job")?;
    let has = |fact| there & fact != 0;
    let due = reader.time("a due time")?;
    let dead = reader.optional(has(DEAD), |reader| reader.time("the time of a dead letter"))?;
    Ok(Job {
        id: JobId { onboarding, kind },
        due,
        hold: dead.map_or(Hold::Waiting, Hold::Dead),
        parked: has(PARKED),
        attempt: reader.optional(has(ATTEMPTS), |reader| reader.small("attempts"))?.unwrap_or_default(),
        losses: reader.optional(has(LOSSES), |reader| reader.small("losses"))?.unwrap_or_default(),
        failure: reader.optional(has(FAILURE), read_failure)?,
        payload: Form::read(there >> FORM, reader)?.spell(),
    })
}

/// A failure: its code, its time, its message.
pub(super) fn write_failure(failure: &Failure, writer: &mut Writer<'_>) {
    writer.byte(words::failure_code(failure.code));
    writer.time(failure.at);
    writer.text(&failure.message);
}

pub(super) fn read_failure(reader: &mut Reader<'_>) -> Result<Failure, Unreadable> {
    let code = reader.byte("the code of a failure")?;
    Ok(Failure {
        code: words::failure(code).ok_or_else(|| reader.damaged("the code of a failure"))?,
        at: reader.time("the time of a failure")?,
        // Masked and cut before it was stored.
        message: reader.text("the message of a failure")?.to_owned(),
    })
}
