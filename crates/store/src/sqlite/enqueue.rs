//! Taking customers in.

use gangway_jobs::enqueue::{self, Answer as Enqueued, Known, NewOnboarding};
use gangway_jobs::id::JobId;
use gangway_jobs::job::Job;
use gangway_jobs::kind::Kind;
use gangway_jobs::transition;

use super::fault::{Answer, Fault};
use super::rows::{self, Onboarding};
use super::tx::Tx;
use super::{jobs, ledger};
use crate::Error;

/// A customer with the stored input of its create job, made outside of the transaction.
pub(super) type Item = (NewOnboarding, String);

pub(super) fn enqueue(tx: &mut Tx<'_>, batch: Vec<Item>) -> Answer<Vec<Enqueued>> {
    batch.into_iter().map(|(new, payload)| one(tx, &new, payload)).collect()
}

fn one(tx: &mut Tx<'_>, new: &NewOnboarding, payload: String) -> Answer<Enqueued> {
    let email_owner = ledger::email_owner(tx.conn, new.email_key)?;
    if let Some(stored) = rows::by_id(tx.conn, new.id)? {
        let mut onboarding = match stored.parse() {
            Ok(onboarding) => onboarding,
            Err(Fault::Refused(error @ Error::Damaged { .. })) => {
                // Nobody knows how far it came, so nothing is done; the row shows up as one to look at.
                tracing::error!(%error, "a row meets a record that cannot be read");
                return Ok(Enqueued::ConflictingContent);
            }
            Err(fault) => return Err(fault),
        };
        let answer = enqueue::decide(new, &Known::Record(&onboarding.record), email_owner);
        if answer == Enqueued::Revived && !enqueue::is_repeat(new, &onboarding.record) {
            revive(tx, &mut onboarding, new)?;
        }
        return Ok(answer);
    }
    if let Some(row) = ledger::find(tx.conn, new.id)? {
        let answer = enqueue::decide(new, &Known::Ledger(&row), email_owner);
        if answer == Enqueued::Revived {
            ledger::delete(tx.conn, new.id)?;
            let record = enqueue::record_from_ledger(new, &row, tx.now);
            let mut onboarding = tx.insert(record, Some(row.end))?;
            revive(tx, &mut onboarding, new)?;
        }
        return Ok(answer);
    }
    let answer = enqueue::decide(new, &Known::Nothing, email_owner);
    if answer == Enqueued::New {
        let onboarding = tx.insert(enqueue::new_record(new, tx.now), None)?;
        let id = JobId { onboarding: new.id, kind: Kind::CreateCustomer };
        jobs::save(tx.conn, onboarding.seq, &Job::new(id, payload, tx.now))?;
    }
    Ok(answer)
}

fn revive(tx: &mut Tx<'_>, onboarding: &mut Onboarding, new: &NewOnboarding) -> Answer<()> {
    enqueue::take_over(&mut onboarding.record, new);
    let begun =
        transition::reopen(&mut onboarding.record, tx.policies.eager_links, Some(new.payload()), tx.now);
    tx.write(onboarding, None, begun)
}
