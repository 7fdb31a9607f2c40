//! Counting everything again from the keys themselves: what the store keeps beside the onboardings, so that it need not
//! look at all of them, must be what all of them say.

use std::collections::{BTreeMap, BTreeSet};

use gangway_jobs::event::Event;
use gangway_jobs::id::OnboardingId;
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{Record, Stage};
use gangway_store::{Inspection, Position, SharedStore, StoreConfig, Target};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::place::{Place, Raw};

type Bytes = Vec<u8>;

/// A command with nothing behind its key.
const NO_MORE: &[&str] = &[];

/// What an audit has found.
struct Audit {
    raw: Raw,
    keys: Vec<Bytes>,
    kept: BTreeMap<OnboardingId, Inspection>,
    /// What is left of the others: how they ended.
    rows: BTreeMap<OnboardingId, Stage>,
    /// Onboardings with a job that was set aside because nobody could read it.
    aside: BTreeSet<OnboardingId>,
    faults: Vec<String>,
}

/// Everything that must agree, when nobody writes.
pub(super) async fn audit(place: &Place, store: &SharedStore) {
    count_again(&place.config, store).await;
}

/// The same, for a store of that config.
pub(crate) async fn count_again(config: &StoreConfig, store: &SharedStore) {
    let mut raw = Raw::of(config).await;
    let keys = raw.keys().await;
    let (kept, rows, aside) = Default::default();
    let mut audit = Audit { raw, keys, kept, rows, aside, faults: Vec::new() };
    audit.read(store).await;
    audit.ledger().await;
    audit.emails().await;
    audit.leads().await;
    audit.lanes().await;
    audit.leases().await;
    audit.ends().await;
    audit.sums().await;
    audit.events(store).await;
    let faults = audit.faults;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(30)].join("\n"));
}

fn id_of(bytes: &[u8]) -> Option<OnboardingId> {
    Uuid::from_slice(bytes).ok().map(OnboardingId::from_uuid)
}

fn short_digest(text: &str) -> Bytes {
    Sha256::digest(text.as_bytes())[..8].to_vec()
}

fn member(id: OnboardingId, kind: Kind) -> Bytes {
    let number = u8::try_from(kind.index()).unwrap();
    [id.as_uuid().as_bytes(), &[number][..]].concat()
}

fn may_be_pruned(record: &Record) -> bool {
    record.stage.is_end() && record.is_told_by_a_ledger_row()
}

impl Audit {
    fn must(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(fault());
        }
    }

    fn same<T: Ord + std::fmt::Debug>(&mut self, what: &str, found: &BTreeSet<T>, expected: &BTreeSet<T>) {
        for extra in found.difference(expected) {
            self.faults.push(format!("{what}: has {extra:?}, which nothing stands behind"));
        }
        for lacking in expected.difference(found) {
            self.faults.push(format!("{what}: lacks {lacking:?}"));
        }
    }

    fn jobs(&self) -> impl Iterator<Item = (&Record, &Job)> {
        self.kept.values().flat_map(|kept| kept.jobs.iter().map(|job| (&kept.record, job)))
    }

    /// All entries of a hash in buckets, each of which must lie in its own.
    async fn buckets(&mut self, name: &str) -> BTreeMap<Bytes, Bytes> {
        let mut all = BTreeMap::new();
        let buckets: Vec<Bytes> = self
            .keys
            .iter()
            .filter_map(|key| key.strip_prefix(name.as_bytes()).map(<[u8]>::to_vec))
            .collect();
        for bucket in buckets {
            let entries: BTreeMap<Bytes, Bytes> = self.raw.ask("HGETALL", name, &bucket, NO_MORE).await;
            self.must(entries.keys().all(|entry| entry[..2] == bucket[..]), || {
                format!("{name}: another's bucket")
            });
            all.extend(entries);
        }
        all
    }

    async fn read(&mut self, store: &SharedStore) {
        let ids: Vec<OnboardingId> =
            self.keys.iter().filter_map(|key| id_of(key.strip_prefix(b"o:".as_slice())?)).collect();
        for id in ids {
            match store.find(Target::Id(id)).await.unwrap() {
                Some(found) => drop(self.kept.insert(id, found)),
                None => self.faults.push(format!("{id} is stored, but not found")),
            }
        }
        let listed: BTreeSet<OnboardingId> =
            store.records(None, 100_000).await.unwrap().into_iter().map(|record| record.id).collect();
        let kept = self.kept.keys().copied().collect();
        self.same("records", &listed, &kept);
    }

    async fn ledger(&mut self) {
        let mut kept = BTreeSet::new();
        for (id, entry) in self.buckets("l:").await {
            let id = id_of(&id).unwrap();
            if entry.is_empty() {
                kept.insert(id);
            } else {
                // A ledger row tells its stage by its third byte.
                self.rows.insert(id, Stage::ALL[usize::from(entry[2]) - 1]);
            }
        }
        let expected = self.kept.keys().copied().collect();
        self.same("ledger entries of what is kept", &kept, &expected);
    }

    async fn emails(&mut self) {
        let owners = self.buckets("e:").await;
        let mut expected = BTreeSet::new();
        for kept in self.kept.values() {
            expected.insert((kept.record.email_key.as_bytes().to_vec(), kept.record.id));
        }
        let found: BTreeSet<_> = owners.into_iter().map(|(email, id)| (email, id_of(&id).unwrap())).collect();
        // What a ledger row says of its e-mail cannot be seen from here.
        let found = found.into_iter().filter(|(_, id)| !self.rows.contains_key(id)).collect();
        self.same("owners of e-mails", &found, &expected);
    }

    /// The indexes lead where they should, and whatever has a name is found by it.
    async fn leads(&mut self) {
        for (name, is_reference) in [("r:", true), ("c:", false)] {
            let leads = self.buckets(name).await;
            let text = |record: &Record| {
                if is_reference {
                    record.reference.clone()
                } else {
                    record.customer_id.as_ref().map(|id| id.as_str().to_owned())
                }
            };
            let mut faults = Vec::new();
            for (digest, id) in &leads {
                let leads_to =
                    id_of(id).and_then(|id| self.kept.get(&id)).and_then(|kept| text(&kept.record));
                if leads_to.is_none_or(|text| short_digest(&text) != *digest) {
                    faults.push(format!("{name} leads from {digest:?} to somebody else"));
                }
            }
            for kept in self.kept.values() {
                let named = text(&kept.record);
                if named.is_some_and(|text| !leads.contains_key(&short_digest(&text))) {
                    faults.push(format!("{name} does not lead to {}", kept.record.id));
                }
            }
            self.faults.extend(faults);
        }
    }

    async fn lanes(&mut self) {
        let mut found = BTreeSet::new();
        let mut retried = BTreeSet::new();
        for kind in 0..3_usize {
            for lane in kind * 4..kind * 4 + 4 {
                let waits: Vec<(Bytes, f64)> =
                    self.raw.ask("ZRANGE", &format!("due:{lane}"), b"", ("0", "-1", "WITHSCORES")).await;
                for (member, due) in waits {
                    found.insert((lane, member[7..].to_vec(), member[0], due.to_string()));
                }
            }
            let failed: Vec<(Bytes, f64)> =
                self.raw.ask("ZRANGE", &format!("retry:{kind}"), b"", ("0", "-1", "WITHSCORES")).await;
            retried.extend(failed.into_iter().map(|(id, due)| (kind, id, due.to_string())));
        }
        let mut expected = BTreeSet::new();
        let mut failed = BTreeSet::new();
        for (record, job) in self.jobs().filter(|(_, job)| job.hold == Hold::Waiting) {
            let kind = job.id.kind.index();
            let lane = kind * 4 + usize::from(job.parked) * 2 + usize::from(job.losses == 0);
            let (id, due) = (record.id.as_uuid().as_bytes().to_vec(), job.due.as_millis().to_string());
            if job.attempt > 0 {
                failed.insert((kind, id.clone(), due.clone()));
            }
            expected.insert((lane, id, u8::try_from(job.attempt).unwrap_or(u8::MAX), due));
        }
        self.same("lanes", &found, &expected);
        self.same("retried", &retried, &failed);
    }

    async fn leases(&mut self) {
        let held: BTreeMap<Bytes, Bytes> = self.raw.ask("HGETALL", "held", b"", NO_MORE).await;
        let leases: BTreeSet<Bytes> = self.raw.ask("ZRANGE", "leases", b"", ("0", "-1")).await;
        let suspects: BTreeMap<Bytes, Bytes> = self.raw.ask("HGETALL", "suspects", b"", NO_MORE).await;
        self.aside = held
            .iter()
            .filter(|(_, held)| held.len() == 13)
            .filter_map(|(job, _)| id_of(&job[..16]))
            .collect();
        let running = |job: &Job| Some((member(job.id.onboarding, job.id.kind), job.lease()?.worker));
        let expected = self.jobs().filter_map(|(_, job)| running(job)).map(|(member, _)| member).collect();
        let alone: BTreeSet<(Bytes, Bytes)> = self
            .jobs()
            .filter(|(_, job)| job.losses > 0)
            .filter_map(|(_, job)| running(job))
            .map(|(member, worker)| (member, worker.as_uuid().as_bytes().to_vec()))
            .collect();
        let held: BTreeSet<Bytes> =
            held.into_iter().filter(|(_, held)| held.len() == 43).map(|(job, _)| job).collect();
        self.same("held", &held, &expected);
        self.same("leases", &leases, &expected);
        self.same("suspects", &suspects.into_iter().collect(), &alone);
    }

    async fn ends(&mut self) {
        let ended: BTreeSet<Bytes> = self.raw.ask("ZRANGE", "ended", b"", ("0", "-1")).await;
        let ended = ended.into_iter().map(|member| id_of(&member[6..]).unwrap()).collect();
        let records = self.kept.values().map(|kept| &kept.record);
        let expected = records.filter(|record| may_be_pruned(record)).map(|record| record.id).collect();
        self.same("ended", &ended, &expected);
        let dead: BTreeSet<Bytes> = self.raw.ask("ZRANGE", "dead", b"", ("0", "-1")).await;
        let is_dead = |job: &&Job| matches!(job.hold, Hold::Dead(_));
        let expected = self.jobs().map(|(_, job)| job).filter(is_dead);
        let expected = expected.map(|job| member(job.id.onboarding, job.id.kind)).collect();
        self.same("dead", &dead, &expected);
    }

    async fn sums(&mut self) {
        let sums: BTreeMap<String, i64> = self.raw.ask("HGETALL", "sums", b"", NO_MORE).await;
        let of = |name: String| sums.get(&name).copied().unwrap_or(0);
        for (number, stage) in Stage::ALL.into_iter().enumerate() {
            let kept = self.kept.values().filter(|kept| kept.record.stage == stage).count();
            let expected = kept + self.rows.values().filter(|end| **end == stage).count();
            let sum = of(format!("s{number}"));
            self.must(sum == i64::try_from(expected).unwrap(), || {
                format!("{sum} are {stage}, not {expected}")
            });
        }
        let records = self.kept.values().map(|kept| &kept.record);
        let waits = records.filter(|it| it.customer_id.is_some() && !it.stage.is_end()).count();
        let sum = of("w".to_owned());
        self.must(sum == i64::try_from(waits).unwrap(), || format!("{sum} wait, not {waits}"));
        for kind in Kind::ALL {
            let count = |is: fn(&Hold) -> bool| {
                self.jobs().filter(|(_, job)| job.id.kind == kind && is(&job.hold)).count()
            };
            let leased = count(|hold| matches!(hold, Hold::Leased(_)));
            let dead = count(|hold| matches!(hold, Hold::Dead(_)));
            for (letter, expected) in [("l", leased), ("d", dead)] {
                let sum = of(format!("{letter}{}", kind.index()));
                self.must(sum == i64::try_from(expected).unwrap(), || {
                    format!("{letter} of {kind}: {sum}, not {expected}")
                });
            }
        }
    }

    async fn events(&mut self, store: &SharedStore) {
        let mut by_onboarding: BTreeMap<OnboardingId, Vec<Event>> = BTreeMap::new();
        for (_, event) in all_events(store).await {
            by_onboarding.entry(event.onboarding).or_default().push(event);
        }
        for (id, events) in &by_onboarding {
            self.faults.extend(fault_of(events).map(|fault| format!("events of {id}: {fault}")));
        }
        let epoch = store.stamp().await.unwrap().epoch;
        for kept in self.kept.values() {
            let (record, jobs) = (&kept.record, &kept.jobs);
            let goes_on = jobs.iter().any(|job| !matches!(job.hold, Hold::Dead(_)));
            if !record.stage.is_end() && !goes_on && !self.aside.contains(&record.id) {
                self.faults.push(format!("{} is {} and has no job: {jobs:?}", record.id, record.stage));
            }
            // What was trimmed tells nothing.
            let Some(events) = by_onboarding.get(&record.id) else { continue };
            let last = events.last().filter(|event| event.epoch == epoch).map_or(0, |event| event.sequence);
            if record.sequence != last {
                self.faults.push(format!("{} has counted {} events, not {last}", record.id, record.sequence));
            }
            let last_end = events.iter().rfind(|event| event.kind.is_terminal());
            if record.stage.is_end() != last_end.is_some_and(|event| event.data["round"] == record.round) {
                self.faults.push(format!("{} is {}, but its events say else", record.id, record.stage));
            }
        }
    }
}

/// Sequences without gaps, from 1 in each epoch but the first one, whose beginning may have been trimmed; one end a round.
fn fault_of(events: &[Event]) -> Option<String> {
    let first = events.first()?;
    let mut last = (first.epoch.0, first.sequence.saturating_sub(1));
    let mut ended = BTreeSet::new();
    for event in events {
        let this = (event.epoch.0, event.sequence);
        let follows = if this.0 == last.0 { this.1 == last.1 + 1 } else { this.0 > last.0 && this.1 == 1 };
        if !follows {
            return Some(format!("{this:?} after {last:?}"));
        }
        last = this;
        if event.kind.is_terminal() && !ended.insert(event.data["round"].as_u64()) {
            return Some(format!("round {} ends twice", event.data["round"]));
        }
    }
    None
}

pub(super) async fn all_events(store: &SharedStore) -> Vec<(Position, Event)> {
    let mut all: Vec<(Position, Event)> = Vec::new();
    loop {
        let after = all.last().map_or_else(Position::default, |(position, _)| *position);
        let page = store.events(after, 1_000).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}
