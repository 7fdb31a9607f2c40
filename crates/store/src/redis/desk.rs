//! The desk: the onboardings that one decision is about, read together, changed together, written together.
//!
//! [`Core::decide`] reads them, lets the decision run on what was read, and hands all changes to the script `commit`. If
//! anything has changed since it was read, nothing is written, and the decision runs again on what is there now. So a
//! decision is a function that may run more than once, and has no other effect than the desk.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use gangway_faultpoint::{Point, pass_for};
use gangway_jobs::circuit::Circuit;
use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{OnboardingId, WorkerId};
use gangway_jobs::identity::EmailKey;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Record;
use gangway_jobs::transition::Consequence;
use redis::Cmd;

use super::core::{Core, SeenCircuit, write_circuit};
use super::draft::{Draft, Moment};
use super::found::Found;
use super::portion::PORTION;
use super::reply::{bytes, list, other_form};
use super::scripts::Script;
use super::write::Write;
use super::{lua, outbox, workers};
use crate::{Error, Policies, Result, WorkerState};

/// So often may what was read be outdated before it is written: each time somebody else has got on.
const PATIENCE: usize = 100;

/// Why a decision could not be made.
#[derive(Debug)]
pub(super) enum Fault {
    /// It needs these onboardings too.
    Needs(Vec<OnboardingId>),
    /// It needs to know the workers.
    NeedsWorkers,
    /// It refuses.
    Refused(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The result of a step of a decision.
pub(super) type Decided<T> = std::result::Result<T, Fault>;

/// What a decision begins with.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Onboardings to read.
    pub(super) ids: Vec<OnboardingId>,
    /// Keyed e-mails whose owners to read.
    pub(super) emails: Vec<EmailKey>,
    /// Onboardings that were read before; they may be outdated.
    pub(super) known: Vec<Found>,
    /// Whether it stands on the circuit.
    pub(super) circuit: bool,
    /// Whether it takes something in, which waits when memory is short.
    pub(super) takes_in: bool,
}

/// The desk of one decision.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) moment: Moment,
    pub(super) policies: &'a Policies,
    drafts: Vec<Draft>,
    places: HashMap<OnboardingId, usize>,
    owners: HashMap<EmailKey, Option<OnboardingId>>,
    circuit: Option<(SeenCircuit, Circuit)>,
    workers: Option<&'a [WorkerState]>,
    /// In the order in which they came about, in the stored form.
    events: Vec<String>,
    /// Wakes idle workers in any case.
    pub(super) wake: bool,
}

impl Desk<'_> {
    /// Decides on the record of an onboarding; see [`Draft::decide`]. Nothing if it is not kept.
    pub(super) fn decide<T>(
        &mut self,
        id: OnboardingId,
        about: Option<Kind>,
        decision: impl FnOnce(&mut Record, Timestamp) -> (T, Consequence),
    ) -> Decided<Option<T>> {
        let moment = self.moment;
        let draft = self.draft(id)?;
        let answer = draft.decide(about, moment, |record| decision(record, moment.now))?;
        let mut events = std::mem::take(&mut draft.events);
        self.events.append(&mut events);
        Ok(answer)
    }

    /// The onboarding's draft; asks for it if it is not here yet.
    pub(super) fn draft(&mut self, id: OnboardingId) -> Decided<&mut Draft> {
        match self.places.get(&id) {
            Some(place) => Ok(&mut self.drafts[*place]),
            None => Err(Fault::Needs(vec![id])),
        }
    }

    /// What was read, as it was.
    fn clear(self) -> Vec<Found> {
        self.drafts.into_iter().map(|draft| draft.found).collect()
    }

    /// Asks for all of these that are not here yet.
    pub(super) fn need(&self, ids: impl IntoIterator<Item = OnboardingId>) -> Decided<()> {
        let missing: HashSet<OnboardingId> =
            ids.into_iter().filter(|id| !self.places.contains_key(id)).collect();
        if missing.is_empty() { Ok(()) } else { Err(Fault::Needs(missing.into_iter().collect())) }
    }

    /// Whom an e-mail belongs to, as it stands on this desk.
    pub(super) fn owner(&self, email: EmailKey) -> Option<OnboardingId> {
        self.owners.get(&email).copied().flatten()
    }

    /// The e-mail is the onboarding's from now on, or nobody's.
    pub(super) fn set_owner(&mut self, email: EmailKey, owner: Option<OnboardingId>) {
        self.owners.insert(email, owner);
    }

    /// The circuit; changes to it are written with everything else.
    pub(super) fn circuit(&mut self) -> &mut Circuit {
        let (_, circuit) = self.circuit.get_or_insert_default();
        circuit
    }

    /// The registered workers.
    pub(super) fn workers(&self) -> Decided<&[WorkerState]> {
        self.workers.ok_or(Fault::NeedsWorkers)
    }

    pub(super) fn live_workers(&self) -> Decided<usize> {
        Ok(self.workers()?.iter().filter(|worker| worker.alive).count())
    }

    pub(super) fn is_alive(&self, worker: WorkerId) -> Decided<bool> {
        Ok(self.workers()?.iter().any(|known| known.info.id == worker && known.alive))
    }
}

/// What came of a write.
enum Committed {
    Done,
    /// Something of what was read has changed.
    Outdated,
    /// The circuit has changed; nothing is known of the rest.
    OtherCircuit,
}

impl Core {
    /// Decides, and writes what was decided; see the module.
    pub(super) async fn decide<T>(
        &self,
        action: &'static str,
        wanted: Wanted,
        decision: impl Fn(&mut Desk<'_>) -> Decided<T>,
    ) -> Result<T> {
        let Wanted { ids, emails, known, circuit, takes_in } = wanted;
        let mut read = known;
        let mut owners = HashMap::new();
        let mut to_read = ids;
        let mut must_read_owners = !emails.is_empty();
        let mut workers: Option<Vec<WorkerState>> = None;
        self.be_sure(action).await?;
        for _ in 0..PATIENCE {
            if !to_read.is_empty() || must_read_owners {
                let emails = if must_read_owners { &emails[..] } else { &[] };
                let (found, of_emails) = self.load(action, &to_read, emails).await?;
                read.extend(found);
                owners.extend(of_emails);
                to_read.clear();
                must_read_owners = false;
            }
            let moment = Moment { now: self.time.now(), life: self.life()? };
            let mut desk =
                self.lay_out(moment, std::mem::take(&mut read), &owners, workers.as_deref(), circuit);
            match decision(&mut desk) {
                Ok(answer) => match self.commit(action, &desk, takes_in).await? {
                    Committed::Done => return Ok(answer),
                    Committed::OtherCircuit => read = desk.clear(),
                    Committed::Outdated => {
                        to_read = desk.drafts.iter().map(Draft::id).collect();
                        must_read_owners = !emails.is_empty();
                    }
                },
                Err(Fault::Needs(more)) => {
                    to_read = more;
                    read = desk.clear();
                }
                Err(Fault::NeedsWorkers) => {
                    read = desk.clear();
                    workers = Some(workers::registered(self).await?);
                }
                Err(Fault::Refused(error)) => return Err(error),
            }
        }
        Err(Error::Unavailable {
            place: self.work.place().to_owned(),
            reason: format!("others change the same onboardings all the time, so it could not {action}"),
        })
    }

    fn lay_out<'a>(
        &'a self,
        moment: Moment,
        read: Vec<Found>,
        owners: &HashMap<EmailKey, Option<OnboardingId>>,
        workers: Option<&'a [WorkerState]>,
        circuit: bool,
    ) -> Desk<'a> {
        let drafts: Vec<Draft> = read
            .into_iter()
            .map(|mut found| {
                // What was kept since a lease, or read a moment ago, may be of an earlier life.
                found.goes_on_in(moment.life);
                Draft::new(found)
            })
            .collect();
        let places = drafts.iter().enumerate().map(|(place, draft)| (draft.id(), place)).collect();
        let circuit = circuit.then(|| {
            let seen = self.circuit();
            let now = seen.circuit.clone();
            (seen, now)
        });
        Desk {
            moment,
            policies: &self.policies,
            drafts,
            places,
            owners: owners.clone(),
            circuit,
            workers,
            events: Vec::new(),
            wake: false,
        }
    }

    /// Reads onboardings and the owners of e-mails, in bounded portions.
    pub(super) async fn load(
        &self,
        action: &'static str,
        ids: &[OnboardingId],
        emails: &[EmailKey],
    ) -> Result<(Vec<Found>, HashMap<EmailKey, Option<OnboardingId>>)> {
        let mut read = Vec::with_capacity(ids.len());
        let mut owners = HashMap::with_capacity(emails.len());
        let (mut ids, mut emails) = (ids, emails);
        while !ids.is_empty() || !emails.is_empty() {
            let of_emails = &emails[..emails.len().min(PORTION)];
            let count = self.load_some(action, ids, of_emails, &mut read, &mut owners).await?;
            (ids, emails) = (&ids[count..], &emails[of_emails.len()..]);
        }
        Ok((read, owners))
    }

    /// Reads the first of these; answers how many onboardings those were.
    async fn load_some(
        &self,
        action: &'static str,
        ids: &[OnboardingId],
        emails: &[EmailKey],
        read: &mut Vec<Found>,
        owners: &mut HashMap<EmailKey, Option<OnboardingId>>,
    ) -> Result<usize> {
        let ids = &ids[..ids.len().min(PORTION)];
        let fill = |command: &mut Cmd| {
            command.arg(ids.len());
            for id in ids {
                command.arg(&id.as_uuid().as_bytes()[..]);
            }
            command.arg(emails.len());
            for email in emails {
                command.arg(&email.as_bytes()[..]);
            }
        };
        let [found, of_emails] = self.call(action, &lua::LOAD, fill).await?.parts(action)?;
        let life = self.life()?;
        let other = || other_form(action);
        let found = list(found).filter(|found| !found.is_empty() || ids.is_empty()).ok_or_else(other)?;
        let count = found.len().min(ids.len());
        for (id, value) in ids.iter().zip(found) {
            let mut found = Found::read(action, *id, value)?;
            found.goes_on_in(life);
            read.push(found);
        }
        for (email, owner) in emails.iter().zip(list(of_emails).ok_or_else(other)?) {
            let owner = bytes(owner).and_then(|bytes| uuid::Uuid::from_slice(&bytes).ok());
            owners.insert(*email, owner.map(OnboardingId::from_uuid));
        }
        Ok(count)
    }

    async fn commit(&self, action: &'static str, desk: &Desk<'_>, takes_in: bool) -> Result<Committed> {
        let mut write = Write::new(&self.keys);
        for draft in &desk.drafts {
            draft.write_change(desk.moment, &mut write);
        }
        // A decision that stands on the circuit is checked even if it changes nothing: it may have seen an old one.
        let circuit = desk.circuit.as_ref();
        if write.is_empty() && circuit.is_none() && !desk.wake {
            return Ok(Committed::Done);
        }
        let changed = circuit.filter(|(seen, now)| seen.circuit != *now).map(|(_, now)| write_circuit(now));
        let script: &'static Script = if takes_in { &lua::TAKE_IN } else { &lua::COMMIT };
        let fill = |command: &mut Cmd| {
            match circuit {
                Some((seen, _)) => command.arg(&seen.revision[..]),
                None => command.arg("any"),
            };
            command.arg(changed.as_ref().map_or(&[][..], |changed| &changed.stored[..]));
            command.arg(if desk.wake || write.lets_the_next_lone_go() { "1" } else { "" });
            write.write(&desk.events, command);
        };
        pass_for(Point::RedisDeciding, action);
        let reply = self.call_in(desk.moment.life, &self.work, action, script, fill).await?;
        match reply.word.as_str() {
            "ok" => {
                pass_for(Point::RedisWritten, action);
                if let Some(changed) = changed {
                    self.set_circuit(changed.seen);
                }
                let [woken] = reply.parts(action)?;
                if super::reply::int(&woken) == Some(1) {
                    self.woken();
                }
                if write.erases {
                    outbox::redact_all(self).await?;
                }
                Ok(Committed::Done)
            }
            "circuit" => {
                let [stored] = reply.parts(action)?;
                self.saw_circuit(&bytes(stored).unwrap_or_default())?;
                Ok(Committed::OtherCircuit)
            }
            "changed" | "epoch" => Ok(Committed::Outdated),
            _ => Err(other_form(action)),
        }
    }
}

/// A wait that scripts tell in milliseconds.
pub(super) fn from_millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
