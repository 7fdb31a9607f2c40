//! Writing what a step has decided: record, jobs, events, counters, together.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::{NewEvent, event_id};
use gangway_jobs::id::JobId;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{LedgerRow, Record, Stage};
use gangway_jobs::outcome::FollowUp;
use gangway_jobs::payload::MAX_BYTES;
use gangway_jobs::transition::{self, Consequence};
use rusqlite::params;

use super::fault::Answer;
use super::rows::{Fence, Indexed, Onboarding, blob};
use super::tx::Tx;
use super::{jobs, ledger};
use crate::Error;

impl Tx<'_> {
    /// Writes an onboarding with all that a step decided. `from` is the kind of the job that the step was given: if the
    /// consequence has none, that job is removed.
    pub(super) fn write(
        &mut self,
        onboarding: &mut Onboarding,
        from: Option<Kind>,
        consequence: Consequence,
    ) -> Answer<()> {
        let Consequence { job, follow_ups, events, ended } = consequence;
        let seq = onboarding.seq;
        match (&job, from) {
            (Some(job), _) => jobs::save(self.conn, seq, job)?,
            (None, Some(kind)) => jobs::delete(self.conn, jobs::row_of(seq, kind))?,
            (None, None) => {}
        }
        if ended {
            jobs::delete_all(self.conn, seq, job.map(|job| job.id.kind), false)?;
        }
        for follow_up in follow_ups {
            self.queue(onboarding, &follow_up)?;
        }
        for event in events {
            self.append(&mut onboarding.record, &event)?;
        }
        self.save(onboarding)
    }

    /// Queues a job, or hastens the one of its kind that is there.
    pub(super) fn queue(&self, onboarding: &Onboarding, follow_up: &FollowUp) -> Answer<()> {
        let id = JobId { onboarding: onboarding.record.id, kind: follow_up.payload.kind() };
        let existing = jobs::load(self.conn, jobs::row_of(onboarding.seq, id.kind))?;
        let due = self.now.after(follow_up.after);
        let job = transition::queue(existing, id, &follow_up.payload, due);
        if job.payload.len() > MAX_BYTES {
            let bytes = job.payload.len();
            return Err(Error::PayloadTooLarge { index: 0, bytes, max: MAX_BYTES }.into());
        }
        jobs::save(self.conn, onboarding.seq, &job)?;
        Ok(())
    }

    fn append(&self, record: &mut Record, event: &NewEvent) -> Answer<()> {
        record.sequence += 1;
        let id = event_id(record.id, event.kind, &event.fact);
        self.conn
            .prepare_cached(
                "INSERT INTO event (onboarding, id, kind, epoch, sequence, at, data)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                blob(record.id.as_uuid()),
                blob(id.as_uuid()),
                event.kind.as_str(),
                self.epoch.0,
                i64::try_from(record.sequence).unwrap_or(i64::MAX),
                self.now.as_millis(),
                event.data.to_string(),
            ])?;
        Ok(())
    }

    /// Takes an onboarding in. `counted` is the stage that the counters know it in already.
    pub(super) fn insert(&mut self, record: Record, counted: Option<Stage>) -> Answer<Onboarding> {
        let stored = Indexed::of(&record, None);
        self.conn
            .prepare_cached(
                "INSERT INTO onboarding (id, email_key, customer_id, reference, record)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                blob(record.id.as_uuid()),
                &record.email_key.as_bytes()[..],
                record.customer_id.as_ref().map(gangway_jobs::id::CustomerId::as_str),
                record.reference,
                to_json(&record)?,
            ])?;
        if counted.is_none() {
            self.count(None, record.stage);
        }
        let counted = counted.unwrap_or(record.stage);
        let seq = self.conn.last_insert_rowid();
        Ok(Onboarding { seq, record, fence: Fence::default(), stored, counted })
    }

    /// Writes an onboarding back; an erased one becomes a ledger row.
    pub(super) fn save(&mut self, onboarding: &mut Onboarding) -> Answer<()> {
        if onboarding.record.stage != onboarding.counted {
            self.count(Some(onboarding.counted), onboarding.record.stage);
            onboarding.counted = onboarding.record.stage;
        }
        if onboarding.record.stage == Stage::Erased {
            return self.reduce(onboarding);
        }
        let text = to_json(&onboarding.record)?;
        self.conn
            .prepare_cached("UPDATE onboarding SET record = ?2, fence = ?3 WHERE seq = ?1")?
            .execute(params![onboarding.seq, text, onboarding.fence.bytes()])?;
        let indexed = Indexed::of(&onboarding.record, prune_from(onboarding, self.now));
        if indexed != onboarding.stored {
            self.conn
                .prepare_cached(
                    "UPDATE onboarding SET email_key = ?2, customer_id = ?3, reference = ?4, prune_from = ?5
                     WHERE seq = ?1",
                )?
                .execute(params![
                    onboarding.seq,
                    &indexed.email_key.as_bytes()[..],
                    indexed.customer_id.as_ref().map(gangway_jobs::id::CustomerId::as_str),
                    indexed.reference,
                    indexed.prune_from.map(Timestamp::as_millis),
                ])?;
            onboarding.stored = indexed;
        }
        Ok(())
    }

    /// Leaves only a ledger row of an onboarding that has ended.
    pub(super) fn reduce(&mut self, onboarding: &Onboarding) -> Answer<()> {
        let row = LedgerRow::of(&onboarding.record);
        let erased = row.end == Stage::Erased;
        jobs::delete_all(self.conn, onboarding.seq, None, true)?;
        self.conn
            .prepare_cached("DELETE FROM onboarding WHERE seq = ?1")?
            .execute(params![onboarding.seq])?;
        if erased {
            ledger::scrub_events(self.conn, row.id)?;
        }
        // A settle that ended in erasure may be repeated at once; one of a record that was pruned is long past.
        ledger::insert(self.conn, &row, erased.then_some(onboarding.fence))?;
        Ok(())
    }
}

/// Since when an onboarding may be pruned.
fn prune_from(onboarding: &Onboarding, now: Timestamp) -> Option<Timestamp> {
    let record = &onboarding.record;
    (record.stage.is_end() && record.is_told_by_a_ledger_row())
        .then(|| onboarding.stored.prune_from.unwrap_or(now))
}

fn to_json(record: &Record) -> Answer<String> {
    serde_json::to_string(record).map_err(|source| {
        Error::Damaged { what: "record", id: record.id.to_string(), source: source.into() }.into()
    })
}
