//! Leasing jobs. The circuit decides here, on what was last seen of it; the script leases only if it is still so.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use futures::future::try_join_all;
use gangway_jobs::circuit::{Admission, Asker};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{JobId, LeaseToken, OnboardingId};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::{Class, RatePolicy};
use redis::Value;
use uuid::Uuid;

use super::core::{Reply, SeenStored, lock, millis, write_circuit};
use super::draft::waits;
use super::found::{Found, Held, Kept};
use super::limits::{read_policy, wait_for};
use super::portion::PORTION;
use super::reply::{bytes, int, list, other_form, text};
use super::{RedisStore, lua};
use crate::bounds::ON_THE_WAY_BACK;
use crate::{Error, Grant, LeaseRequest, MAX_BATCH, Result};

const ACTION: &str = "lease jobs";

/// So often may the circuit change between a look and a lease.
const PATIENCE: usize = 50;

/// What this process has leased, as it was read.
#[derive(Debug, Default)]
pub(super) struct Leased(Mutex<HashMap<JobId, Found>>);

/// Beyond that many, what was leased is read again for its settle.
const MOST_KEPT: usize = 50_000;

impl Leased {
    fn keep(&self, job: JobId, found: Found) {
        let mut kept = lock(&self.0);
        if kept.len() >= MOST_KEPT {
            // Leases that were lost are never settled: what has gathered goes, all at once.
            kept.clear();
        }
        kept.insert(job, found);
    }

    /// What is known of these jobs under these tokens, and the onboardings that must be read.
    pub(super) fn take(
        &self,
        jobs: impl Iterator<Item = (JobId, LeaseToken)>,
    ) -> (Vec<Found>, Vec<OnboardingId>) {
        let mut kept = lock(&self.0);
        let (mut known, mut to_read, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (job, token) in jobs {
            let found = kept.remove(&job);
            let is_its =
                |found: &Found| found.held[job.kind.index()].is_some_and(|held| held.token() == token);
            match (found.filter(is_its), seen.insert(job.onboarding)) {
                (Some(found), true) => known.push(found),
                (None, true) => to_read.push(job.onboarding),
                // Two jobs of one onboarding: the first one's view will do, or be found outdated.
                (_, false) => {}
            }
        }
        (known, to_read)
    }
}

/// What a lease call may take.
struct Admitted {
    most: usize,
    /// How many leases of the kind there may be in all, unless it does not matter.
    in_all: Option<usize>,
    /// If the circuit lets nobody through: until when.
    until: Option<Timestamp>,
    revision: Vec<u8>,
    changed: Option<SeenStored>,
}

/// How many parts a call may have.
const PARTS: usize = MAX_BATCH.div_ceil(PORTION);

/// A call is one script for each [`PORTION`] of the jobs that are wanted, all under one token; the answer to each can be asked
/// for again.
#[derive(Clone, Copy)]
struct Part<'a> {
    ask: &'a LeaseRequest,
    number: usize,
    wanted: usize,
}

impl<'a> Part<'a> {
    /// All that there can be. Of those in which nothing is wanted, an earlier call under the same token may have wanted more.
    fn all(ask: &'a LeaseRequest) -> [Self; PARTS] {
        let wanted = |number| ask.max.saturating_sub(number * PORTION).min(PORTION);
        std::array::from_fn(|number| Self { ask, number, wanted: wanted(number) })
    }
}

/// What an answer says of the parts behind its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// There is nothing for them.
    Nothing,
    /// There may be more.
    More,
    /// It was given before, and lost; theirs may have been lost too.
    Lost,
}

impl RedisStore {
    pub(super) async fn lease_due(&self, ask: &LeaseRequest) -> Result<Grant> {
        let [first, others @ ..] = Part::all(ask);
        let life = self.core.life()?;
        let (mut grant, behind) = self.lease_part(first).await?;
        // Who wants nothing asks for what was lost.
        let behind = if ask.max == 0 { Behind::Lost } else { behind };
        let others = others.into_iter().filter(|part| match behind {
            Behind::Nothing => false,
            Behind::More => part.wanted > 0,
            Behind::Lost => true,
        });
        // If one fails, so does the call: asked again, it gets the same jobs.
        let others = try_join_all(others.map(|part| self.lease_part(part))).await?;
        if !others.is_empty() && self.core.life()? != life {
            // What the first part was given in the life before may have been given to another part in this one.
            let (place, reason) =
                (self.core.work.place().to_owned(), "it began another life meanwhile".to_owned());
            return Err(Error::Unavailable { place, reason });
        }
        for (more, _) in others {
            grant.jobs.extend(more.jobs);
            grant.ask_again = more.ask_again;
        }
        if behind == Behind::Lost && !grant.jobs.is_empty() {
            // Nobody has looked for more than that.
            grant.ask_again = Some(Duration::ZERO);
        }
        Ok(grant)
    }

    async fn lease_part(&self, part: Part<'_>) -> Result<(Grant, Behind)> {
        let ask = part.ask;
        for _ in 0..PATIENCE {
            let admitted = self.admit(part);
            let reply = self.ask_for(part, &admitted).await?;
            match reply.word.as_str() {
                "circuit" => {
                    let [stored] = reply.parts(ACTION)?;
                    self.core.saw_circuit(&bytes(stored).unwrap_or_default())?;
                }
                "none" => {
                    let now = reply.now;
                    let [next] = reply.parts(ACTION)?;
                    return Ok(nothing(int(&next).map(|next| Timestamp::from_millis(next).since(now))));
                }
                "blocked" => return Ok(nothing(admitted.until.map(|until| until.since(reply.now)))),
                "full" => return Ok(nothing(Some(ON_THE_WAY_BACK))),
                "again" => return Ok((self.again(ask, reply)?, Behind::Lost)),
                "ok" => return self.grant(part, admitted, reply),
                _ => return Err(other_form(ACTION)),
            }
        }
        Ok(nothing(Some(Duration::from_millis(50))))
    }

    /// What the circuit says, as far as is known.
    fn admit(&self, part: Part<'_>) -> Admitted {
        let ask = part.ask;
        let seen = self.core.circuit();
        let mut circuit = seen.circuit.clone();
        let asker =
            Asker { kind: ask.kind, worker: ask.worker, credential: &ask.credential, token: ask.token };
        let (most, in_all, until) = match circuit.admit(asker, self.core.time.now(), ask.length) {
            Admission::Run(usize::MAX) => (usize::MAX, None, None),
            Admission::Run(most) => (most, Some(most), None),
            // A probe is known by its token, under which nothing else may be held: the next call shall be one.
            Admission::Probe if part.number > 0 => {
                circuit = seen.circuit.clone();
                (0, None, Some(self.core.time.now()))
            }
            Admission::Probe => (1, None, None),
            Admission::Blocked(until) => (0, None, Some(until)),
        };
        let changed = (circuit != seen.circuit).then(|| write_circuit(&circuit));
        Admitted { most, in_all, until, revision: seen.revision, changed }
    }

    async fn ask_for(&self, part: Part<'_>, admitted: &Admitted) -> Result<Reply> {
        let Part { ask, number, wanted } = part;
        let policy = &self.core.policies.rate;
        let fill = |command: &mut redis::Cmd| {
            command.arg(ask.kind.index()).arg(wanted).arg(admitted.most.min(MAX_BATCH));
            command.arg(&ask.token.as_uuid().as_bytes()[..]).arg(&ask.worker.as_uuid().as_bytes()[..]);
            command.arg(millis(ask.length).max(1)).arg(&admitted.revision[..]);
            command.arg(admitted.changed.as_ref().map_or(&[][..], |changed| &changed.stored[..]));
            super::limits::write_policy(command, policy);
            command.arg(super::limits::number_of(Class::of(ask.kind)));
            command.arg(admitted.in_all.map_or_else(String::new, |in_all| in_all.to_string()));
            command.arg(if number == 0 { String::new() } else { number.to_string() });
        };
        self.core.call(ACTION, &lua::LEASE, fill).await
    }

    fn grant(&self, part: Part<'_>, admitted: Admitted, reply: Reply) -> Result<(Grant, Behind)> {
        let Part { ask, wanted, .. } = part;
        let other = || other_form(ACTION);
        let now = reply.now;
        let [waiting, due, ahead, tokens, limits, leased] = reply.parts(ACTION)?;
        let waiting = int(&waiting).ok_or_else(other)?.unsigned_abs();
        let due = usize::try_from(int(&due).ok_or_else(other)?).unwrap_or(0);
        let tokens: f64 = text(tokens).and_then(|text| text.parse().ok()).ok_or_else(other)?;
        let limits: RatePolicy = text(limits).and_then(|text| read_policy(&text)).ok_or_else(other)?;
        let held = Held::new(ask.token, ask.worker, now);
        let until = now.after(ask.length);
        let mut jobs = Vec::new();
        let mut leased = list(leased).ok_or_else(other)?.into_iter();
        let mut taken = 0;
        while let (Some(id), Some(value)) = (leased.next(), leased.next()) {
            taken += 1;
            jobs.extend(self.take_up(ask.kind, id, value, held, until, waiting)?);
        }
        if let Some(changed) = admitted.changed.filter(|_| taken > 0) {
            self.core.set_circuit(changed.seen);
        }
        let mut behind = Behind::Nothing;
        let ask_again = if taken < due {
            Some(wait_for(&limits, Class::of(ask.kind), tokens))
        } else if due == wanted {
            behind = Behind::More;
            Some(Duration::ZERO)
        } else if due == admitted.most.min(MAX_BATCH) {
            // While a gate is half-open or ramps up, only the settle of what was leased now can let more through.
            None
        } else {
            int(&ahead).map(|ahead| Timestamp::from_millis(ahead).since(now))
        };
        Ok((Grant { jobs, ask_again }, behind))
    }

    /// The answer to the same call was lost: what is still held under its token.
    fn again(&self, ask: &LeaseRequest, reply: Reply) -> Result<Grant> {
        let other = || other_form(ACTION);
        let [waiting, leased] = reply.parts(ACTION)?;
        let waiting = int(&waiting).ok_or_else(other)?.unsigned_abs();
        let mut leased = list(leased).ok_or_else(other)?.into_iter();
        let mut jobs = Vec::new();
        while let (Some(id), Some(value), Some(held), Some(until)) =
            (leased.next(), leased.next(), leased.next(), leased.next())
        {
            let held = bytes(held).and_then(|held| Held::read(&held)).ok_or_else(other)?;
            let until = Timestamp::from_millis(int(&until).ok_or_else(other)?);
            jobs.extend(self.take_up(ask.kind, id, value, held, until, waiting)?);
        }
        Ok(Grant { jobs, ask_again: Some(Duration::ZERO) })
    }

    /// One leased job for the worker; what was read stays here for its settle.
    fn take_up(
        &self,
        kind: Kind,
        id: Value,
        value: Value,
        held: Held,
        until: Timestamp,
        waiting: u64,
    ) -> Result<Option<LeasedJob>> {
        let other = || other_form(ACTION);
        let id = bytes(id).and_then(|id| Uuid::from_slice(&id).ok()).map(OnboardingId::from_uuid);
        let id = id.ok_or_else(other)?;
        let value = bytes(value).ok_or_else(other)?;
        let mut found = Found::leased(id, &value, kind, held, until);
        found.goes_on_in(self.core.life()?);
        // One that cannot be read was told of; its lease runs out, and then it is set aside.
        let Kept::Whole(onboarding, _) = &found.kept else { return Ok(None) };
        let Some(job) = onboarding.job(kind) else { return Ok(None) };
        let Some(lease) = job.lease().copied() else { return Ok(None) };
        let mut record = onboarding.record.clone();
        record.uncertain_since = lease.uncertain_before;
        let leased = LeasedJob {
            id: job.id,
            payload: job.payload.clone(),
            attempt: job.attempt,
            record,
            token: held.token(),
            until,
            now: held.since(),
            waiting,
        };
        // Another job that waits here may run meanwhile, which changes nothing that is compared: then its lease must be read.
        let is_alone = onboarding.jobs.iter().flatten().all(|other| other.id.kind == kind || !waits(other));
        if is_alone {
            self.leased.keep(leased.id, found);
        }
        Ok(Some(leased))
    }
}

const fn nothing(ask_again: Option<Duration>) -> (Grant, Behind) {
    (Grant { jobs: Vec::new(), ask_again }, Behind::Nothing)
}
