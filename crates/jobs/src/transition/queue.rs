//! Queueing and hastening: what becomes of a job that is asked for when there may be one already.

use crate::clock::Timestamp;
use crate::id::JobId;
use crate::job::{Hold, Job};
use crate::payload::Payload;

/// What queueing a job finds and does.
pub fn queue(existing: Option<Job>, id: JobId, payload: &Payload, due: Timestamp) -> Job {
    match existing {
        Some(mut job) if matches!(job.hold, Hold::Waiting) => {
            job.due = job.due.min(due);
            if is_newer_link(&job, payload) {
                job.payload = payload.encode();
            }
            job
        }
        Some(mut job) if job.lease().is_some() => {
            hasten_lease(&mut job);
            job
        }
        // A dead letter gives way: what is asked for now is new.
        _ => Job::new(id, payload.encode(), due),
    }
}

/// Whether `payload` asks for a later link than the job is about to make.
fn is_newer_link(job: &Job, payload: &Payload) -> bool {
    match (Payload::decode(job.id.kind, &job.payload), payload) {
        (Ok(Payload::CreateLink(present)), Payload::CreateLink(wanted)) => wanted.ordinal > present.ordinal,
        _ => false,
    }
}

/// Brings a job forward. A leased one is marked, so that a snooze of this lease is due at once.
pub fn hasten(job: &mut Job, now: Timestamp) {
    if matches!(job.hold, Hold::Waiting) {
        job.due = job.due.min(now);
    } else {
        hasten_lease(job);
    }
}

fn hasten_lease(job: &mut Job) {
    if let Hold::Leased(lease) = &mut job.hold {
        lease.hastened = true;
    }
}
