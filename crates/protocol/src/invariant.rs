//! What must hold in every state that can be reached.

use gangway_jobs::event::EventType;
use gangway_jobs::job::Hold;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use stateright::Property;

use crate::bounds::MAX_LOSSES;
use crate::diligence;
use crate::onboarding::Onboarding;
use crate::protocol::Protocol;
use crate::slot::Slot;
use crate::state::State;
use crate::worker::Hand;

type Promise = Property<Protocol>;

/// A promise that shows in a step, and is noted in the state that the step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A settle was written although its lease had been taken back or given back.
    SettledTooLate,
    /// A settle was written twice.
    SettledTwice,
    /// A settle was answered as a repeat, and had never been written.
    SettledInVain,
    /// A settle was refused although its lease was still held.
    HolderRefused,
    /// A loss was charged although the worker runs and has not been silent while the store was there.
    LivingBlamed,
    /// A lease that was given back changed the count of attempts.
    CountChanged,
    /// A snooze forgot the hint that came while it ran.
    HintForgotten,
    /// A worker runs two jobs that a worker has died over.
    SuspectsTogether,
    /// Another event stands where a consumer has read one already.
    EventReplaced,
}

/// All properties, by the names that `docs/protocol.md` uses.
pub(crate) fn properties() -> Vec<Promise> {
    let mut all = of_steps();
    all.extend([
        Promise::always("one valid lease", |_, state| one_valid_lease(state)),
        Promise::always("no job lost", |_, state| state.store.onboardings.iter().all(|it| goes_on(it))),
        Promise::always("indexes agree", |_, state| indexes_agree(state)),
        Promise::always("events and changes agree", |_, state| {
            state.store.onboardings.iter().all(|onboarding| events_agree(onboarding))
        }),
        Promise::always("one effect", |_, state| one_effect(state)),
        Promise::always("doubt is kept", doubt_is_kept),
        Promise::always("a cancel is kept", |_, state| {
            state.store.called_off.iter().all(|place| is_called_off(&state.store.onboardings[*place]))
        }),
        Promise::always("losses are bounded", |_, state| losses_are_bounded(state)),
        Promise::always("everything ends", diligence::ends),
    ]);
    all
}

fn of_steps() -> Vec<Promise> {
    vec![
        Promise::always("no late settle", |_, state| !state.broken.contains(&Broken::SettledTooLate)),
        Promise::always("no settle twice", |_, state| !state.broken.contains(&Broken::SettledTwice)),
        Promise::always("no settle in vain", |_, state| !state.broken.contains(&Broken::SettledInVain)),
        Promise::always("the holder settles", |_, state| !state.broken.contains(&Broken::HolderRefused)),
        Promise::always("the living are not blamed", |_, state| {
            !state.broken.contains(&Broken::LivingBlamed)
        }),
        Promise::always("giving back costs nothing", |_, state| {
            !state.broken.contains(&Broken::CountChanged)
        }),
        Promise::always("a hint is kept", |_, state| !state.broken.contains(&Broken::HintForgotten)),
        Promise::always("suspects are alone", |_, state| !state.broken.contains(&Broken::SuspectsTogether)),
        Promise::always("an event keeps its place", |_, state| {
            !state.broken.contains(&Broken::EventReplaced)
        }),
    ]
}

/// Of all who count on a lease of one job, one at most; a lease of an earlier life of the store is worth nothing.
fn one_valid_lease(state: &State) -> bool {
    let counts = |hand: &&Hand| hand.epoch == state.store.epoch && hand.is_counted_on(state.now);
    let hands: Vec<&Hand> = state.workers.iter().flat_map(|worker| &worker.hands).filter(counts).collect();
    hands.iter().enumerate().all(|(n, hand)| hands[..n].iter().all(|other| other.slot != hand.slot))
}

/// An onboarding that has not ended has a job that waits or runs.
fn goes_on(onboarding: &Onboarding) -> bool {
    let is_open = |hold: &Hold| matches!(hold, Hold::Waiting | Hold::Leased(_));
    onboarding.record.stage.is_end() || onboarding.jobs.iter().flatten().any(|job| is_open(&job.hold))
}

/// What waits stands in the queue, what runs among the leases, and nothing else stands there.
fn indexes_agree(state: &State) -> bool {
    let store = &state.store;
    let agrees = |slot: Slot| {
        let hold = store.job(slot).map(|job| &job.hold);
        let waits = matches!(hold, Some(Hold::Waiting));
        let lease = store.job(slot).and_then(|job| job.lease()).map(|lease| lease.token);
        store.due.contains_key(&slot) == waits && store.held.get(&slot).map(|held| held.token) == lease
    };
    (0..store.onboardings.len()).flat_map(|place| Kind::ALL.map(|kind| Slot { place, kind })).all(agrees)
}

/// Each change that is published has its event, each event its change, and the sequence has no gap.
fn events_agree(onboarding: &Onboarding) -> bool {
    let record = &onboarding.record;
    let count = |kind: EventType| onboarding.events.iter().filter(|told| told.kind == kind).count();
    let ends = onboarding.events.iter().filter(|told| told.kind.is_terminal()).count();
    let of_epoch = onboarding.events.iter().filter(|told| told.epoch == onboarding.epoch);
    let links = record.link.map_or(0, |link| link.ordinal as usize);
    count(EventType::CustomerCreated) == usize::from(record.customer_id.is_some())
        && count(EventType::LinkCreated) == links
        && ends == usize::from(record.stage.is_end())
        && of_epoch.map(|told| told.sequence).eq(1..=record.sequence)
}

/// One customer, and one link of each number.
fn one_effect(state: &State) -> bool {
    state.api.iter().all(|effects| {
        let ordinals: Vec<u32> = effects.links.iter().map(|link| link.0).collect();
        effects.customers.len() <= 1 && ordinals.is_sorted_by(|one, next| one < next)
    })
}

/// A customer that nobody has heard of is in doubt. A failover may lose the lease, and with it the doubt: then the key
/// alone keeps the promise.
fn doubt_is_kept(protocol: &Protocol, state: &State) -> bool {
    let in_doubt = |(effects, place): (&crate::api::Effects, usize)| {
        let record = &state.store.onboardings[place].record;
        effects.customers.is_empty() || record.customer_id.is_some() || record.uncertain_since.is_some()
    };
    protocol.bounds.budget.failovers > 0 || state.api.iter().zip(0..).all(in_doubt)
}

fn is_called_off(onboarding: &Onboarding) -> bool {
    onboarding.record.cancel_requested || onboarding.record.stage == Stage::Cancelled
}

/// No job is charged with more losses than that.
fn losses_are_bounded(state: &State) -> bool {
    let jobs = state.store.onboardings.iter().flat_map(|onboarding| onboarding.jobs.iter().flatten());
    jobs.map(|job| job.losses).all(|losses| losses <= MAX_LOSSES)
}
