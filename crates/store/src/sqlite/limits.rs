//! The rate limit that all workers share, and permits for calls outside of a lease.

use std::time::Duration;

use gangway_jobs::circuit::{Admission, Asker};
use gangway_jobs::id::{LeaseToken, WorkerId};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::{Class, RatePolicy};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::fault::Answer;
use super::jobs;
use super::tx::Tx;
use crate::{Error, Permit, PermitRequest};

/// Sets the limit of all workers; `None` goes back to their own.
pub(super) fn set(tx: &Tx<'_>, limits: Option<RatePolicy>) -> Answer<()> {
    let text = limits.and_then(|limits| serde_json::to_string(&limits).ok());
    tx.conn.prepare_cached("UPDATE store SET limits = ?1")?.execute(params![text])?;
    Ok(())
}

/// What people have set. One that cannot be read is an error: to go on without it could be too fast for the account.
pub(super) fn load(conn: &Connection) -> Answer<Option<RatePolicy>> {
    let text: Option<String> =
        conn.prepare_cached("SELECT limits FROM store")?.query_row([], |row| row.get(0))?;
    let read = |text: String| {
        serde_json::from_str(&text).map_err(|source| Error::Damaged {
            what: "rate limit",
            id: "all workers".to_owned(),
            source: source.into(),
        })
    };
    Ok(text.map(read).transpose()?)
}

/// Whether a call may be made now: the gates and the rate limit say so. A worker that runs the probe of a gate may make
/// its second call.
pub(super) fn permit(tx: &mut Tx<'_>, ask: &PermitRequest) -> Answer<Permit> {
    if let Some(wait) = gates(tx, ask)? {
        return Ok(Permit::Wait(wait));
    }
    Ok(match tx.take_tokens(ask.class, 1)? {
        (1, _) => Permit::Granted,
        // A wait of nothing would be a question asked in a circle.
        (_, wait) => Permit::Wait(wait.max(Duration::from_millis(1))),
    })
}

/// How long the gates keep a call waiting.
fn gates(tx: &mut Tx<'_>, ask: &PermitRequest) -> Answer<Option<Duration>> {
    let now = tx.now;
    let kind = Kind::ALL.into_iter().find(|kind| Class::of(*kind) == ask.class).unwrap_or(Kind::PollStatus);
    let token = LeaseToken::from_uuid(Uuid::nil());
    let asker = Asker { kind, worker: ask.worker, credential: &ask.credential, token };
    // Asked of a copy: a probe is a lease, and a call that nobody settles must not stand for one.
    let wait = match tx.circuit()?.clone().admit(asker, now, Duration::ZERO) {
        Admission::Run(_) => return Ok(None),
        Admission::Probe => tx.policies.circuit.probe_interval,
        Admission::Blocked(until) => until.since(now),
    };
    Ok((!runs_a_probe(tx, ask.worker)?).then_some(wait))
}

/// Whether a worker runs the probe of an open gate.
fn runs_a_probe(tx: &mut Tx<'_>, worker: WorkerId) -> Answer<bool> {
    let tokens = jobs::tokens_of(tx.conn, worker)?;
    let circuit = tx.circuit()?;
    Ok(tokens.into_iter().any(|token| {
        let mut without = circuit.clone();
        without.withdraw(token);
        without != *circuit
    }))
}
