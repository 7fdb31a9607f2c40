//! What in a store waits for a person: circuit, paused kinds, dead letters, missing workers, unread events.

use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::job::State;
use gangway_store::{Position, Result, Status, Store};

use super::counted;
use super::finding::Finding;
use crate::output::table::number;
use crate::settings::Sections;
use crate::settings::duration::show;

const PAUSED: &str = "paused";
const CIRCUIT: &str = "circuit";
const DEAD: &str = "dead_letters";
const WORKERS: &str = "workers";
const OUTBOX: &str = "outbox";

/// Looks at the sums, and at the age of unread events.
pub(super) async fn check(
    store: &dyn Store,
    status: &Status,
    sections: &Sections,
    now: Timestamp,
) -> Result<Vec<Finding>> {
    let mut findings = vec![circuit(status)];
    findings.extend(paused(status));
    findings.push(dead(status));
    findings.push(workers(status, sections, now));
    findings.extend(outbox(store, status, sections.outbox.retention, now).await?);
    Ok(findings)
}

fn circuit(status: &Status) -> Finding {
    let why = "while it is not closed, few calls are made to the API or none";
    match &status.circuit {
        (state, _) if state == "closed" => Finding::ok(CIRCUIT, "closed", why),
        (state, reason) => Finding::warning(
            CIRCUIT,
            format!("{state}: {reason}"),
            why,
            "mend the cause; it closes by itself, and at once after `gangway circuit resolve --retry`",
        ),
    }
}

fn paused(status: &Status) -> Option<Finding> {
    let kinds: Vec<&str> = status.paused.iter().map(|kind| kind.as_str()).collect();
    (!kinds.is_empty()).then(|| {
        let why = "no job of a paused kind starts";
        Finding::warning(PAUSED, format!("paused: {}", kinds.join(", ")), why, "`gangway queue resume`")
    })
}

fn dead(status: &Status) -> Finding {
    let why = "their onboardings go no further until a person has decided";
    match status.jobs.values().filter_map(|states| states.get(&State::Dead)).sum::<u64>() {
        0 => Finding::ok(DEAD, "none", why),
        count => Finding::warning(
            DEAD,
            number(count),
            why,
            "`gangway dead list` tells why; then `gangway dead redrive REF` or `gangway dead drop REF`",
        ),
    }
}

fn workers(status: &Status, sections: &Sections, now: Timestamp) -> Finding {
    if status.workers.is_empty() {
        let (found, why) = ("none is running", "without one nobody comes aboard");
        return match status.in_progress() {
            0 => Finding::ok(WORKERS, found, why),
            waiting => {
                let found = format!("{found}, and onboardings without an end: {}", number(waiting));
                Finding::warning(WORKERS, found, why, "`gangway worker`")
            }
        };
    }
    let alive = format!("{} alive", counted(status.workers.len() as u64, "worker"));
    let oldest = status.workers.iter().filter_map(|worker| worker.oldest_lease).min();
    let age = oldest.map(|since| Duration::from_secs(now.since(since).as_secs()));
    let found = age.map_or(alive.clone(), |age| format!("{alive}, oldest lease {}", show(age)));
    let longest = sections.worker.job_timeout + sections.worker.lease;
    if age.is_some_and(|age| age > longest) {
        let why = "an attempt has outlived worker.job_timeout, so its worker hangs";
        return Finding::warning(WORKERS, found, why, "restart the worker: another one takes its jobs over");
    }
    Finding::ok(WORKERS, found, "each takes jobs in turn")
}

/// Groups whose oldest unread event is older than events are meant to become.
async fn outbox(
    store: &dyn Store,
    status: &Status,
    retention: Duration,
    now: Timestamp,
) -> Result<Vec<Finding>> {
    const WHY: &str = "events stay until every group has acknowledged them, so the store grows";
    let mut late = Vec::new();
    for (group, &behind) in status.groups.iter().filter(|(_, behind)| **behind > 0) {
        let Some(age) = least_age(store, status.outbox_length, behind, now).await? else { continue };
        if age > retention {
            let found = format!(
                "group {group} has not acknowledged {}, the oldest for more than {}",
                counted(behind, "event"),
                show(retention)
            );
            let remedy = format!(
                "`gangway outbox read --group {group} --ack`, or `gangway outbox group remove {group}` if nobody reads it"
            );
            late.push(Finding::warning(OUTBOX, found, WHY, remedy));
        }
    }
    if late.is_empty() {
        let found = format!("{}, no group is late", counted(status.outbox_length, "event"));
        late.push(Finding::ok(OUTBOX, found, WHY));
    }
    Ok(late)
}

/// How old the oldest of `behind` unread events is at least. It is as old as that if they were acknowledged in order, and
/// older if not: the last `behind` events are the youngest that it can be about.
async fn least_age(store: &dyn Store, length: u64, behind: u64, now: Timestamp) -> Result<Option<Duration>> {
    let Some((first, _)) = store.events(Position::default(), 1).await?.into_iter().next() else {
        return Ok(None);
    };
    let before = Position((first.0 + length.saturating_sub(behind)).saturating_sub(1));
    let oldest = store.events(before, 1).await?.into_iter().next();
    Ok(oldest.map(|(_, event)| now.since(event.time)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gangway_jobs::id::WorkerId;
    use gangway_jobs::kind::Kind;
    use gangway_jobs::onboarding::Stage;
    use gangway_store::{WorkerInfo, WorkerState};

    use super::super::finding::Level;
    use super::*;
    use crate::settings::{Environ, Settings};

    const NOW: Timestamp = Timestamp::from_millis(1_772_355_601_000);

    fn worker(lease_held_for: Duration) -> WorkerState {
        let id: WorkerId = "2d83c41c-8f0b-8a3e-9d50-2c3f6a7b8c9d".parse().unwrap();
        let info = WorkerInfo { id, name: "pid 1".to_owned(), slots: 1, patience: Duration::from_secs(30) };
        let oldest_lease = Some(NOW.before(lease_held_for));
        WorkerState { info, started_at: NOW, beat_at: NOW, alive: true, leases: 1, oldest_lease }
    }

    fn levels(status: &Status) -> [Level; 3] {
        let sections = Settings::load(None, Environ::default()).unwrap().sections;
        [circuit(status), dead(status), workers(status, &sections, NOW)].map(|finding| finding.level)
    }

    #[test]
    fn what_waits_for_a_person_is_a_warning() {
        use Level::{Ok, Warning};
        let closed = ("closed".to_owned(), String::new());
        let well =
            Status { circuit: closed, workers: vec![worker(Duration::from_secs(3))], ..Status::default() };
        assert_eq!(levels(&well), [Ok, Ok, Ok]);
        let open = ("open".to_owned(), "the credential is refused".to_owned());
        assert_eq!(levels(&Status { circuit: open, ..well.clone() }), [Warning, Ok, Ok]);
        let jobs = BTreeMap::from([(Kind::CreateLink, BTreeMap::from([(State::Dead, 2)]))]);
        assert_eq!(levels(&Status { jobs, ..well.clone() }), [Ok, Warning, Ok]);
        let hangs = vec![worker(Duration::from_secs(111))];
        assert_eq!(levels(&Status { workers: hangs, ..well.clone() }), [Ok, Ok, Warning]);
        let idle = Status { workers: Vec::new(), ..well };
        assert_eq!(levels(&idle), [Ok, Ok, Ok]);
        let by_stage = BTreeMap::from([(Stage::Accepted, 1)]);
        assert_eq!(levels(&Status { by_stage, ..idle }), [Ok, Ok, Warning]);
    }
}
