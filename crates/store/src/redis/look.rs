//! What people see.

use std::collections::BTreeMap;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{JobId, OnboardingId};
use gangway_jobs::job::{Hold, Job, State};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{Record, Stage};
use redis::Value;
use uuid::Uuid;

use super::change::{short_digest, sum_of};
use super::core::read_circuit;
use super::found::{Found, Kept};
use super::portion::PORTION;
use super::reply::{bytes, int, list, other_form, text};
use super::take_back::{job_of, member_of};
use super::{RedisStore, keys, lua, outbox, workers};
use crate::{DeadFilter, DeadLetter, Inspection, Result, Status, Target};

impl RedisStore {
    /// The store's time, asked of the server.
    pub(super) async fn tell_time(&self) -> Result<Timestamp> {
        const ACTION: &str = "tell the time";
        let fill = |command: &mut redis::Cmd| {
            command.arg(0).arg(0);
        };
        self.core.call(ACTION, &lua::LOAD, fill).await?;
        Ok(self.core.time.now())
    }

    pub(super) async fn sum_up(&self) -> Result<Status> {
        const ACTION: &str = "sum up";
        let other = || other_form(ACTION);
        let reply = self.core.call(ACTION, &lua::STATUS, |_| {}).await?;
        let now = reply.now;
        let [sums, paused, circuit, kinds] = reply.parts(ACTION)?;
        let sums = Sums::read(sums).ok_or_else(other)?;
        let stages = Stage::ALL.into_iter().map(|stage| (stage, sums.of(&sum_of(stage))));
        let mut jobs = BTreeMap::new();
        for (kind, counts) in Kind::ALL.into_iter().zip(list(kinds).ok_or_else(other)?) {
            jobs.insert(kind, sums.jobs(kind, counts).ok_or_else(other)?);
        }
        jobs.retain(|_, by_state| !by_state.is_empty());
        let mut paused: Vec<Kind> =
            list(paused).ok_or_else(other)?.into_iter().filter_map(|kind| kind_of(&kind)).collect();
        paused.sort_unstable();
        let circuit = read_circuit(&bytes(circuit).unwrap_or_default())?.circuit;
        let outbox = outbox::sums(&self.core).await?;
        let status = Status {
            by_stage: stages.filter(|(_, count)| *count > 0).collect(),
            jobs,
            outbox_length: outbox.length,
            groups: outbox.lags,
            circuit: Default::default(),
            paused,
            workers: workers::all(&self.core).await?.into_iter().filter(|worker| worker.alive).collect(),
            unknown_hints: sums.of("unknown_hints"),
        };
        Ok(status.with_circuit(circuit.summary(now)))
    }

    /// Which onboarding is meant, as far as the indexes know.
    pub(super) async fn resolve(&self, target: &Target) -> Result<Option<OnboardingId>> {
        let (index, text) = match target {
            Target::Id(id) => return Ok(Some(*id)),
            Target::Reference(reference) => (keys::REFERENCE, reference.as_str()),
            Target::Customer(customer) => (keys::CUSTOMER, customer.as_str()),
        };
        let digest = short_digest(text);
        let mut get = redis::cmd("HGET");
        get.arg(self.core.keys.with(index, &digest[..2])).arg(&digest[..]);
        let found = bytes(self.core.work.send("find an onboarding", &get).await?);
        Ok(found.and_then(|id| Uuid::from_slice(&id).ok()).map(OnboardingId::from_uuid))
    }

    pub(super) async fn inspect(&self, target: &Target) -> Result<Option<Inspection>> {
        const ACTION: &str = "find an onboarding";
        let Some(id) = self.resolve(target).await? else { return Ok(None) };
        let (found, _) = self.core.load(ACTION, &[id], &[]).await?;
        let Some(found) = found.into_iter().next() else { return Ok(None) };
        if let Kept::Damaged(_) = found.kept {
            return Err(damaged(id));
        }
        let onboarding = found.whole().filter(|onboarding| is_meant(target, &onboarding.record));
        Ok(onboarding.map(|onboarding| Inspection {
            record: onboarding.record.clone(),
            jobs: onboarding.jobs.iter().flatten().cloned().collect(),
        }))
    }

    pub(super) async fn records_after(
        &self,
        after: Option<OnboardingId>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        const ACTION: &str = "read records";
        const BUCKETS: usize = 1_024;
        let other = || other_form(ACTION);
        let after = after.map_or_else(Vec::new, |id| id.as_uuid().as_bytes().to_vec());
        let mut bucket = after.first_chunk::<2>().map_or(0, |first| i64::from(u16::from_be_bytes(*first)));
        let mut records = Vec::new();
        while bucket < 65_536 && records.len() < limit {
            let enough = (limit - records.len()).min(PORTION);
            let fill = |command: &mut redis::Cmd| {
                command.arg(bucket).arg(&after[..]).arg(enough).arg(BUCKETS);
            };
            let [next, ids] = self.core.call(ACTION, &lua::PAGE, fill).await?.parts(ACTION)?;
            bucket = int(&next).ok_or_else(other)?;
            let ids =
                list(ids).ok_or_else(other)?.into_iter().filter_map(|id| Uuid::from_slice(&bytes(id)?).ok());
            let ids: Vec<OnboardingId> = ids.map(OnboardingId::from_uuid).collect();
            let (found, _) = self.core.load(ACTION, &ids, &[]).await?;
            records.extend(found.iter().filter_map(Found::whole).map(|onboarding| onboarding.record.clone()));
        }
        records.truncate(limit);
        Ok(records)
    }

    /// Dead letters that match, with their onboardings, in the order of their ids.
    pub(super) async fn dead_jobs(
        &self,
        which: &DeadFilter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<(JobId, Found)>> {
        const ACTION: &str = "read dead letters";
        let mut from = match (after, which.onboarding) {
            (Some(after), _) => [b"(".as_slice(), &member_of(after)].concat(),
            (None, Some(onboarding)) => [b"[".as_slice(), onboarding.as_uuid().as_bytes()].concat(),
            (None, None) => b"-".to_vec(),
        };
        let to = which
            .onboarding
            .map_or_else(|| b"+".to_vec(), |id| [b"[".as_slice(), id.as_uuid().as_bytes(), b"\xff"].concat());
        let mut matching = Vec::new();
        loop {
            let mut page = redis::cmd("ZRANGEBYLEX");
            page.arg(self.core.keys.of(keys::DEAD)).arg(&from[..]).arg(&to[..]);
            page.arg("LIMIT").arg(0).arg(PORTION);
            let members =
                list(self.core.work.send(ACTION, &page).await?).ok_or_else(|| other_form(ACTION))?;
            let jobs: Vec<JobId> = members.into_iter().filter_map(|member| job_of(&bytes(member)?)).collect();
            let Some(last) = jobs.last() else { return Ok(matching) };
            from = [b"(".as_slice(), &member_of(*last)].concat();
            let wanted: Vec<JobId> =
                jobs.into_iter().filter(|job| which.kind.is_none_or(|kind| job.kind == kind)).collect();
            let ids: Vec<OnboardingId> = wanted.iter().map(|job| job.onboarding).collect();
            let (found, _) = self.core.load(ACTION, &ids, &[]).await?;
            matching.extend(wanted.into_iter().zip(found).filter(|(job, found)| fits(which, *job, found)));
            if matching.len() >= limit {
                matching.truncate(limit);
                return Ok(matching);
            }
        }
    }

    pub(super) async fn dead_letters(
        &self,
        which: &DeadFilter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let jobs = self.dead_jobs(which, after, limit).await?;
        Ok(jobs.into_iter().map(|(id, found)| letter(id, &found)).collect())
    }
}

fn letter(id: JobId, found: &Found) -> DeadLetter {
    let onboarding = found.whole();
    let job = onboarding.and_then(|onboarding| onboarding.job(id.kind));
    DeadLetter {
        job: id,
        reference: onboarding.and_then(|onboarding| onboarding.record.reference.clone()),
        attempts: job.map_or(0, |job| job.attempt),
        since: dead_since(job).unwrap_or_default(),
        failure: job.and_then(|job| job.failure.clone()),
    }
}

fn dead_since(job: Option<&Job>) -> Option<Timestamp> {
    match job?.hold {
        Hold::Dead(since) => Some(since),
        Hold::Waiting | Hold::Leased(_) => None,
    }
}

/// One that cannot be read has no code and no time; it is shown where none is asked for.
fn fits(which: &DeadFilter, job: JobId, found: &Found) -> bool {
    if which.code.is_none() && which.until.is_none() {
        return true;
    }
    let Some(job) = found.whole().and_then(|onboarding| onboarding.job(job.kind)) else { return false };
    let code = job.failure.as_ref().map(|failure| failure.code.as_str());
    which.code.as_deref().is_none_or(|wanted| code == Some(wanted))
        && dead_since(Some(job)).is_some_and(|since| which.covers(since))
}

pub(super) fn is_meant(target: &Target, record: &Record) -> bool {
    match target {
        Target::Id(id) => record.id == *id,
        Target::Reference(reference) => record.reference.as_ref() == Some(reference),
        Target::Customer(customer) => record.customer_id.as_ref() == Some(customer),
    }
}

/// An onboarding that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("its stored form is damaged, or of a newer release")]
struct Unreadable;

pub(super) fn damaged(id: OnboardingId) -> crate::Error {
    crate::Error::Damaged { what: "onboarding", id: id.to_string(), source: Box::new(Unreadable) }
}

fn kind_of(number: &Value) -> Option<Kind> {
    Kind::ALL.get(usize::try_from(int(number)?).ok()?).copied()
}

/// The kept sums.
struct Sums(BTreeMap<String, u64>);

impl Sums {
    fn read(pairs: Value) -> Option<Self> {
        let mut pairs = list(pairs)?.into_iter();
        let mut sums = BTreeMap::new();
        while let (Some(name), Some(sum)) = (pairs.next(), pairs.next()) {
            sums.insert(text(name)?, u64::try_from(int(&sum)?).unwrap_or(0));
        }
        Some(Self(sums))
    }

    fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Jobs of a kind by state: those that wait are counted by their lanes.
    fn jobs(&self, kind: Kind, counts: Value) -> Option<BTreeMap<State, u64>> {
        let counts: Vec<u64> =
            list(counts)?.iter().map(|count| int(count).map(i64::unsigned_abs)).collect::<Option<_>>()?;
        let [waiting, due, retryable] = counts[..] else { return None };
        let states = [
            (State::Available, due),
            (State::Scheduled, (waiting - due).saturating_sub(retryable)),
            (State::Running, self.of(&format!("l{}", kind.index()))),
            (State::Retryable, retryable),
            (State::Dead, self.of(&format!("d{}", kind.index()))),
        ];
        Some(states.into_iter().filter(|(_, count)| *count > 0).collect())
    }
}
