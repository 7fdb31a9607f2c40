//! What people and webhooks ask for: hints, links, pause, cancel, erase, redrive, the circuit.

use gangway_jobs::circuit::Resolution;
use gangway_jobs::id::JobId;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{LedgerRow, Record, Stage};
use gangway_jobs::outcome::FollowUp;
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::transition::{self, Consequence, EndRequest};
use rusqlite::{Connection, params};

use super::fault::{Answer, Fault};
use super::rows::{self, Onboarding};
use super::tx::Tx;
use super::{jobs, ledger, look};
use crate::{DeadFilter, Error, Hinted, LinkRequested, Target};

fn find(tx: &Tx<'_>, target: &Target) -> Answer<Option<Onboarding>> {
    rows::by_target(tx.conn, target)?.map(rows::Stored::parse).transpose()
}

pub(super) fn hint(tx: &mut Tx<'_>, target: &Target) -> Answer<Hinted> {
    let Some(mut onboarding) = find(tx, target)? else {
        tx.conn.prepare_cached("UPDATE store SET unknown_hints = unknown_hints + 1")?.execute([])?;
        return Ok(Hinted::Unknown);
    };
    let record = &mut onboarding.record;
    if can_reopen(record) {
        record.hinted_at = Some(tx.now);
        let begun = transition::reopen(record, tx.policies.eager_links, None, tx.now);
        tx.write(&mut onboarding, None, begun)?;
        return Ok(Hinted::Reopened);
    }
    if record.stage.is_end() {
        return Ok(Hinted::Ended(record.stage));
    }
    if record.customer_id.is_none() {
        return Ok(Hinted::TooEarly);
    }
    record.hinted_at = Some(tx.now);
    let poll = FollowUp::now(Payload::PollStatus(PollStatus::default()));
    let asked = Consequence { follow_ups: vec![poll], ..Consequence::default() };
    tx.write(&mut onboarding, None, asked)?;
    Ok(Hinted::Hastened)
}

pub(super) fn request_link(tx: &mut Tx<'_>, target: &Target) -> Answer<LinkRequested> {
    let Some(mut onboarding) = find(tx, target)? else { return Ok(LinkRequested::Unknown) };
    let record = &mut onboarding.record;
    if can_reopen(record) {
        let begun = transition::reopen(record, true, None, tx.now);
        tx.write(&mut onboarding, None, begun)?;
        return Ok(LinkRequested::Reopened);
    }
    if record.stage.is_end() {
        return Ok(LinkRequested::Ended(record.stage));
    }
    if record.customer_id.is_none() {
        return Ok(LinkRequested::TooEarly);
    }
    let link = FollowUp::now(Payload::CreateLink(transition::next_link(record)));
    let asked = Consequence { follow_ups: vec![link], ..Consequence::default() };
    tx.write(&mut onboarding, None, asked)?;
    Ok(LinkRequested::Queued)
}

const fn can_reopen(record: &Record) -> bool {
    matches!(record.stage, Stage::Rejected | Stage::Expired)
}

pub(super) fn cancel(tx: &mut Tx<'_>, target: &Target) -> Answer<Option<EndRequest>> {
    let Some(onboarding) = find(tx, target)? else { return Ok(None) };
    end(tx, onboarding, transition::cancel).map(Some)
}

pub(super) fn erase(tx: &mut Tx<'_>, target: &Target) -> Answer<Option<EndRequest>> {
    match find(tx, target)? {
        Some(onboarding) => end(tx, onboarding, transition::erase).map(Some),
        None => erase_pruned(tx, target),
    }
}

/// Of a pruned onboarding there is only what its ledger row and its events tell.
fn erase_pruned(tx: &mut Tx<'_>, target: &Target) -> Answer<Option<EndRequest>> {
    let Target::Id(id) = target else { return Ok(None) };
    let Some(row) = ledger::find(tx.conn, *id)? else { return Ok(None) };
    if row.end == Stage::Erased {
        return Ok(Some(EndRequest::Already(Stage::Erased)));
    }
    tx.count(Some(row.end), Stage::Erased);
    let erased = LedgerRow { end: Stage::Erased, email_key: None, content: None, later_key: None, ..row };
    ledger::insert(tx.conn, &erased, None)?;
    ledger::scrub_events(tx.conn, *id)?;
    Ok(Some(EndRequest::Ended))
}

type End = fn(&mut Record, bool, gangway_jobs::clock::Timestamp) -> (EndRequest, Consequence);

fn end(tx: &mut Tx<'_>, mut onboarding: Onboarding, end: End) -> Answer<EndRequest> {
    let leased = jobs::any_leased(tx.conn, onboarding.seq)?;
    let (answer, consequence) = end(&mut onboarding.record, leased, tx.now);
    tx.write(&mut onboarding, None, consequence)?;
    Ok(answer)
}

pub(super) fn redrive(tx: &mut Tx<'_>, which: &DeadFilter, limit: usize) -> Answer<usize> {
    let mut redriven = 0;
    for job in look::dead_jobs(tx.conn, which, None, limit)? {
        let Some(stored) = rows::by_id(tx.conn, job.id.onboarding)? else { continue };
        let mut onboarding = match stored.parse() {
            Ok(onboarding) => onboarding,
            Err(Fault::Refused(Error::Damaged { .. })) => continue,
            Err(fault) => return Err(fault),
        };
        let kind = job.id.kind;
        let put_back = transition::redrive(&mut onboarding.record, job, tx.now);
        tx.write(&mut onboarding, Some(kind), put_back)?;
        redriven += 1;
    }
    Ok(redriven)
}

pub(super) fn drop_dead(tx: &Tx<'_>, which: &DeadFilter, limit: usize) -> Answer<usize> {
    let dead = look::dead_jobs(tx.conn, which, None, limit)?;
    for job in &dead {
        let JobId { onboarding, kind } = job.id;
        if let Some(stored) = rows::by_id(tx.conn, onboarding)? {
            jobs::delete(tx.conn, jobs::row_of(stored.seq, kind))?;
        }
    }
    Ok(dead.len())
}

// ---- pause ----

pub(super) fn pause(tx: &Tx<'_>, kind: Option<Kind>) -> Answer<()> {
    tx.conn.prepare_cached("UPDATE store SET paused = paused | ?1")?.execute(params![bits(kind)])?;
    Ok(())
}

pub(super) fn resume(tx: &Tx<'_>, kind: Option<Kind>) -> Answer<()> {
    tx.conn.prepare_cached("UPDATE store SET paused = paused & ~?1")?.execute(params![bits(kind)])?;
    Ok(())
}

pub(super) fn is_paused(conn: &Connection, kind: Kind) -> Answer<bool> {
    Ok(paused_bits(conn)? & bits(Some(kind)) != 0)
}

pub(super) fn paused(conn: &Connection) -> Answer<Vec<Kind>> {
    let paused = paused_bits(conn)?;
    Ok(Kind::ALL.into_iter().filter(|kind| paused & bits(Some(*kind)) != 0).collect())
}

fn paused_bits(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("SELECT paused FROM store")?.query_row([], |row| row.get(0))
}

fn bits(kind: Option<Kind>) -> i64 {
    kind.map_or(0b111, |kind| 1 << jobs::place(kind))
}

// ---- circuit ----

pub(super) fn resolve_circuit(tx: &mut Tx<'_>, resolution: Resolution) -> Answer<Vec<Kind>> {
    let (policy, now) = (&tx.policies.circuit, tx.now);
    let kinds = tx.circuit()?.resolve(resolution, policy, now);
    // The parked are tried again either way: as if nothing had been, or to be buried if they meet it again.
    for kind in &kinds {
        for sql in [
            "UPDATE job SET parked = 0, due = MIN(due, ?2) WHERE hold = 0 AND losses = 0 AND kind = ?1 AND parked = 1",
            "UPDATE job SET parked = 0, due = MIN(due, ?2) WHERE hold = 0 AND losses > 0 AND kind = ?1 AND parked = 1",
            "UPDATE job INDEXED BY job_until SET parked = 0, hastened = (?2 = ?2) \
             WHERE hold = 1 AND kind = ?1 AND parked = 1",
        ] {
            tx.conn.prepare_cached(sql)?.execute(params![jobs::place(*kind), now.as_millis()])?;
        }
    }
    Ok(kinds)
}
