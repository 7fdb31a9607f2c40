//! The rules that can be switched off, one at a time, to see that the checker notices.

/// A rule of the protocol. Switched off, each must lead to a counterexample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A settle proves its lease by the token. Off: whoever settles a leased job is believed.
    TokenProves,
    /// A lease that was taken back is over. Off: its settle is taken as long as nobody else has the job.
    TakenBackIsOver,
    /// The last settled token stays. Off: a repeat is written again.
    RepeatIsKnown,
    /// A token is random. Off: it is the number of the attempt.
    TokenIsRandom,
    /// Taking back removes the lease. Off: it stays beside the waiting job.
    TakeBackEndsTheLease,
    /// Taking back compares the end of the lease with what was read. Off: a renewal in between is overlooked.
    TakeBackSeesRenewals,
    /// After a gap in the store's life every lease gets one more term. Off: the rescuer is as quick as ever.
    GraceAfterAGap,
    /// Only a silent worker's job is charged with the loss. Off: each expired lease is.
    TheLivingAreExcused,
    /// A worker has one job at a time that a worker died over. Off: as many as come.
    SuspectsAreAlone,
    /// A job that was lost too often is buried. Off: it is tried for ever.
    PoisonIsBuried,
    /// A lease given back costs no attempt. Off: it does.
    GivingBackRestores,
    /// What a started handler may have done stays in doubt. Off: each release is taken as unstarted.
    StartedStaysInDoubt,
    /// The event is in the write of its change. Off: it is appended before the lease is checked.
    EventWithItsChange,
    /// The change is in the write of its event. Off: the event is left for a later step, which a crash prevents.
    ChangeWithItsEvent,
    /// The follow-up is in the write of the end. Off: it is left for a later step, which a crash prevents.
    FollowUpWithTheEnd,
    /// A job that waits again stands in its queue. Off: a retried one is not put back.
    WaitingIsQueued,
    /// Every write of a leased onboarding changes the lease's proof. Off: a cancel goes unnoticed.
    WritesMarkTheLease,
    /// A write that stands on an earlier look needs what waited then to be unleased still. Off: a lease given meanwhile
    /// is overlooked.
    WhatWaitedIsFree,
    /// A hint marks a leased poll. Off: it is only noted on a waiting one.
    HasteReachesTheLeased,
    /// A cancel of a leased onboarding waits for its settle. Off: it ends at once.
    CancelWaitsForTheSettle,
    /// The idempotency key belongs to the effect. Off: it differs with each attempt.
    KeyIgnoresTheAttempt,
    /// The epoch rises when a rollback may have happened. Off: it stays.
    EpochRises,
    /// Somebody takes expired leases back. Off: nobody does.
    SomebodyRescues,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::TokenProves,
        Self::TakenBackIsOver,
        Self::RepeatIsKnown,
        Self::TokenIsRandom,
        Self::TakeBackEndsTheLease,
        Self::TakeBackSeesRenewals,
        Self::GraceAfterAGap,
        Self::TheLivingAreExcused,
        Self::SuspectsAreAlone,
        Self::PoisonIsBuried,
        Self::GivingBackRestores,
        Self::StartedStaysInDoubt,
        Self::EventWithItsChange,
        Self::ChangeWithItsEvent,
        Self::FollowUpWithTheEnd,
        Self::WaitingIsQueued,
        Self::WritesMarkTheLease,
        Self::WhatWaitedIsFree,
        Self::HasteReachesTheLeased,
        Self::CancelWaitsForTheSettle,
        Self::KeyIgnoresTheAttempt,
        Self::EpochRises,
        Self::SomebodyRescues,
    ];
}
