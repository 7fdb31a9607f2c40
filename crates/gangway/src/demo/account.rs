//! What the store holds, counted by walking over every record and every event; and written down on the way.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use gangway_jobs::event::{Epoch, Event};
use gangway_jobs::id::{EventId, OnboardingId};
use gangway_jobs::onboarding::{Record, Stage};
use gangway_producer::report::line;
use gangway_store::{Position, Store};

use crate::error::{Error, Result};
use crate::wiring::walk;

/// The count.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Records by stage.
    pub(crate) by_stage: BTreeMap<Stage, u64>,
    /// The customer ids in the records.
    pub(crate) customer_ids: BTreeSet<String>,
    /// Records with a customer id.
    pub(crate) with_customer: u64,
    /// Events in the outbox.
    pub(crate) events: u64,
    /// What is wrong with the outbox, in words.
    pub(crate) outbox_faults: Vec<String>,
}

impl Account {
    /// Onboardings.
    pub(crate) fn onboardings(&self) -> u64 {
        self.by_stage.values().sum()
    }

    /// Onboardings of that stage.
    pub(crate) fn of(&self, stage: Stage) -> u64 {
        self.by_stage.get(&stage).copied().unwrap_or_default()
    }

    /// Onboardings that have no end.
    pub(crate) fn in_progress(&self) -> u64 {
        self.by_stage.iter().filter(|(stage, _)| !stage.is_end()).map(|(_, count)| count).sum()
    }
}

/// Walks over the store; writes `results` (CSV) and `outbox` (NDJSON).
pub(crate) async fn take(store: &dyn Store, results: &Path, outbox: &Path) -> Result<Account> {
    let mut account = Account::default();
    let mut ends = HashMap::new();
    let mut rows = Vec::new();
    walk::records(store, |record| {
        *account.by_stage.entry(record.stage).or_default() += 1;
        if let Some(id) = &record.customer_id {
            account.with_customer += 1;
            account.customer_ids.insert(id.as_str().to_owned());
        }
        ends.insert(record.id, ended_rounds(record));
        rows.push((record.origin.map_or(0, |origin| origin.row), result_line(record)));
        Ok(())
    })
    .await?;
    rows.sort();
    write_results(results, &rows).map_err(|source| Error::file("write", results, source))?;

    let failed = |source| Error::file("write", outbox, source);
    let mut file = BufWriter::new(walk::private_file(outbox).map_err(failed)?);
    let mut seen = Seen::default();
    walk::events(store, Position::default(), |_position, event| {
        account.events += 1;
        seen.take(event);
        writeln!(file, "{}", event.to_cloud_event()).map_err(failed)
    })
    .await?;
    file.flush().map_err(failed)?;
    account.outbox_faults = seen.faults(&ends);
    Ok(account)
}

/// Rounds that have come to an end.
fn ended_rounds(record: &Record) -> u32 {
    if record.stage.is_end() { record.round } else { record.round - 1 }
}

fn result_line(record: &Record) -> String {
    let row = record.origin.map_or(String::new(), |origin| origin.row.to_string());
    let failure = record.failure.as_ref();
    line(&[
        &row,
        record.reference.as_deref().unwrap_or_default(),
        record.customer_id.as_ref().map_or("", |id| id.as_str()),
        record.kyb.as_ref().map_or("", |kyb| kyb.status.as_str()),
        record.stage.as_str(),
        &failure.map_or(String::new(), |failure| format!("{}: {}", failure.code, failure.message)),
    ])
}

fn write_results(path: &Path, rows: &[(u64, String)]) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(line(&["row", "reference", "customer_id", "kyb_status", "stage", "error"]).as_bytes())?;
    for (_, row) in rows {
        file.write_all(row.as_bytes())?;
    }
    file.flush()
}

/// What the walk over the outbox remembers.
#[derive(Debug, Default)]
struct Seen {
    ids: HashSet<EventId>,
    repeated: u64,
    last: HashMap<(OnboardingId, Epoch), u64>,
    gaps: u64,
    ends: HashMap<OnboardingId, BTreeMap<u64, u64>>,
}

impl Seen {
    fn take(&mut self, event: &Event) {
        self.repeated += u64::from(!self.ids.insert(event.id));
        let last = self.last.entry((event.onboarding, event.epoch)).or_default();
        self.gaps += u64::from(event.sequence != *last + 1);
        *last = event.sequence;
        if event.kind.is_terminal() {
            let round = event.data["round"].as_u64().unwrap_or_default();
            *self.ends.entry(event.onboarding).or_default().entry(round).or_default() += 1;
        }
    }

    /// `ended` tells how many rounds of each onboarding have ended, by its record.
    fn faults(&self, ended: &HashMap<OnboardingId, u32>) -> Vec<String> {
        let mut faults = Vec::new();
        if self.repeated > 0 {
            faults.push(format!("{} events have an id that another has too", self.repeated));
        }
        if self.gaps > 0 {
            faults.push(format!("{} gaps in sequences", self.gaps));
        }
        let wrong = |(id, rounds): &(&OnboardingId, &u32)| {
            let told = self.ends.get(*id).cloned().unwrap_or_default();
            !told.into_iter().eq((1..=u64::from(**rounds)).map(|round| (round, 1)))
        };
        let wrong_ends = ended.iter().filter(wrong).count();
        if wrong_ends > 0 {
            faults.push(format!("{wrong_ends} onboardings without exactly one end a round"));
        }
        let strangers = self.ends.keys().filter(|id| !ended.contains_key(id)).count();
        if strangers > 0 {
            faults.push(format!("ends of {strangers} onboardings that have no record"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use gangway_jobs::clock::Timestamp;
    use gangway_jobs::event::{EventType, event_id};
    use serde_json::json;

    use super::*;

    fn event(id: OnboardingId, kind: EventType, sequence: u64, round: u64) -> Event {
        Event {
            id: event_id(id, kind, &format!("{sequence} {round}")),
            kind,
            onboarding: id,
            epoch: Epoch(1),
            sequence,
            time: Timestamp::from_millis(0),
            data: json!({ "round": round }),
        }
    }

    fn faults(events: &[Event], rounds: u32) -> Vec<String> {
        let mut seen = Seen::default();
        for event in events {
            seen.take(event);
        }
        seen.faults(&HashMap::from([(id(), rounds)]))
    }

    fn id() -> OnboardingId {
        "2d83c41c-8f0b-8a3e-9d50-2c3f6a7b8c9d".parse().unwrap()
    }

    #[test]
    fn an_outbox_is_believed_only_without_gaps_repeats_and_missing_ends() {
        let created = event(id(), EventType::CustomerCreated, 1, 1);
        let approved = event(id(), EventType::Approved, 2, 1);
        assert!(faults(&[created.clone(), approved.clone()], 1).is_empty());
        assert_eq!(faults(std::slice::from_ref(&created), 0), Vec::<String>::new());

        let table = [
            (vec![created.clone()], 1, "without exactly one end"),
            (vec![created.clone(), approved.clone()], 0, "without exactly one end"),
            (vec![approved.clone()], 1, "gaps"),
            (vec![created.clone(), approved.clone(), approved.clone()], 1, "another has too"),
            (vec![created, approved, event(id(), EventType::Dead, 3, 1)], 1, "without exactly one end"),
        ];
        for (events, rounds, fault) in table {
            let found = faults(&events, rounds);
            assert!(found.iter().any(|text| text.contains(fault)), "{fault}: {found:?}");
        }
    }
}
