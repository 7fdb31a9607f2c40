//! The operations, and how often each is drawn.

use std::time::Duration;

use gangway_jobs::circuit::Resolution;
use gangway_jobs::failure::Code;
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::{Class, RatePolicy};
use gangway_jobs::signal::{Blame, Signal};
use gangway_store::GroupStart;
use gangway_store::conformance::outcomes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// One operation. Numbers name customers, workers, or places in the list of all leases ever given.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Enqueue {
        n: u32,
        email: u32,
        other_company: bool,
        row: Option<(u128, u64)>,
    },
    Lease {
        kind: Kind,
        max: usize,
        worker: u128,
    },
    LeaseAgain {
        lease: usize,
    },
    /// Leases and settles at once: what lets a sequence get anywhere.
    Work {
        kind: Kind,
        max: usize,
        end: End,
        signal: Signal,
    },
    /// Leases, and is never heard of again.
    Die {
        kind: Kind,
        worker: u128,
    },
    Settle {
        lease: usize,
        end: End,
        signal: Signal,
    },
    SettleAll {
        end: End,
    },
    Extend {
        lease: usize,
    },
    Release {
        lease: usize,
        started: bool,
    },
    TakeBack {
        limit: usize,
    },
    Advance {
        seconds: u64,
    },
    Beat {
        worker: u128,
    },
    Deregister {
        worker: u128,
    },
    Cancel {
        n: u32,
    },
    Erase {
        n: u32,
    },
    Hint {
        n: u32,
    },
    RequestLink {
        n: u32,
    },
    Redrive {
        limit: usize,
    },
    DropDead {
        limit: usize,
    },
    Pause {
        kind: Option<Kind>,
    },
    Resume {
        kind: Option<Kind>,
    },
    Resolve {
        resolution: Resolution,
    },
    Permit {
        class: Class,
    },
    SetLimits {
        limits: Option<RatePolicy>,
    },
    GroupAdd {
        group: usize,
        from: GroupStart,
    },
    GroupRemove {
        group: usize,
    },
    Read {
        group: usize,
        consumer: u8,
        count: usize,
    },
    Ack {
        group: usize,
        positions: Vec<u64>,
    },
    Prune {
        age: u64,
        limit: usize,
    },
    Trim {
        age: u64,
        limit: usize,
    },
    Reopen,
    Look,
}

/// How an attempt ends; what that means depends on its kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Success,
    Status(&'static str, &'static str),
    Snooze,
    Retry,
    GiveBack,
    Bury(Code),
    NextGeneration,
    Foreign,
}

fn end() -> impl Strategy<Value = End> {
    let words = ["INIT", "PENDING_REVIEW", "pending_response", "APPROVED", "REJECTED", "FROZEN"];
    prop_oneof![
        6 => Just(End::Success),
        4 => (select(words.to_vec()), select(vec!["t1", "t2"])).prop_map(|(word, at)| End::Status(word, at)),
        1 => Just(End::Snooze),
        2 => Just(End::Retry),
        1 => Just(End::GiveBack),
        3 => select(vec![Code::Invalid, Code::EmailTaken, Code::Unresolved]).prop_map(End::Bury),
        1 => Just(End::NextGeneration),
        1 => Just(End::Foreign),
    ]
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        20 => Just(Signal::None),
        10 => any::<bool>().prop_map(|fresh| Signal::Healthy { fresh }),
        2 => any::<bool>().prop_map(|internal| Signal::Down { internal }),
        1 => select(vec![None, Some(3), Some(40)])
            .prop_map(|wait| Signal::RateLimited { wait: wait.map(Duration::from_secs) }),
        1 => Just(Signal::Unauthorized),
        3 => select(vec![Blame::Row, Blame::Everybody, Blame::Unclear, Blame::Unclear])
            .prop_map(|blame| outcomes::refused("no", blame)),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    select(Kind::ALL.to_vec())
}

/// From a drop to more than anybody asks for, and one that is refused.
fn limits() -> impl Strategy<Value = RatePolicy> {
    let rates = select(vec![0.5, 4.0, 30.0, 100_000.0, 0.0]);
    let shares = select(vec![[0.3, 0.4, 0.3], [0.1, 0.8, 0.1], [0.6, 0.2, 0.2]]);
    (rates, shares).prop_map(|(per_second, shares)| RatePolicy { per_second, shares })
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let n = || 0..8_u32;
    let lease = || 0..12_usize;
    let worker = || 1..4_u128;
    let running = prop_oneof![
        8 => (n(), 0..8_u32, proptest::bool::weighted(0.1), proptest::option::of((0..2_u128, 0..3_u64)), proptest::bool::weighted(0.8))
            .prop_map(|(n, email, other_company, row, own)| Op::Enqueue {
                n,
                email: if own { n } else { email },
                other_company,
                row,
            }),
        8 => (kind(), 1..5_usize, worker()).prop_map(|(kind, max, worker)| Op::Lease { kind, max, worker }),
        1 => lease().prop_map(|lease| Op::LeaseAgain { lease }),
        24 => (kind(), 1..5_usize, end(), signal())
            .prop_map(|(kind, max, end, signal)| Op::Work { kind, max, end, signal }),
        3 => (kind(), worker()).prop_map(|(kind, worker)| Op::Die { kind, worker }),
        8 => (lease(), end(), signal()).prop_map(|(lease, end, signal)| Op::Settle { lease, end, signal }),
        1 => end().prop_map(|end| Op::SettleAll { end }),
        1 => lease().prop_map(|lease| Op::Extend { lease }),
        1 => (lease(), any::<bool>()).prop_map(|(lease, started)| Op::Release { lease, started }),
        2 => (0..9_usize).prop_map(|limit| Op::TakeBack { limit }),
        5 => select(vec![0, 1, 5, 11, 31, 61, 61, 4_000, 4_000, 2_700_000]).prop_map(|seconds| Op::Advance { seconds }),
        2 => worker().prop_map(|worker| Op::Beat { worker }),
        1 => worker().prop_map(|worker| Op::Deregister { worker }),
        3 => Just(Op::Reopen),
        2 => Just(Op::Look),
    ];
    let steering = prop_oneof![
        2 => n().prop_map(|n| Op::Cancel { n }),
        1 => n().prop_map(|n| Op::Erase { n }),
        4 => n().prop_map(|n| Op::Hint { n }),
        4 => n().prop_map(|n| Op::RequestLink { n }),
        4 => (0..3_usize).prop_map(|limit| Op::Redrive { limit }),
        1 => (0..3_usize).prop_map(|limit| Op::DropDead { limit }),
        1 => proptest::option::of(kind()).prop_map(|kind| Op::Pause { kind }),
        4 => Just(Op::Resume { kind: None }),
        1 => kind().prop_map(|kind| Op::Resume { kind: Some(kind) }),
        2 => any::<bool>().prop_map(|retry| Op::Resolve {
            resolution: if retry { Resolution::Retry } else { Resolution::Bury },
        }),
        1 => select(Class::ALL.to_vec()).prop_map(|class| Op::Permit { class }),
        2 => proptest::option::of(limits()).prop_map(|limits| Op::SetLimits { limits }),
    ];
    let outbox = prop_oneof![
        1 => (0..3_usize, any::<bool>()).prop_map(|(group, now)| Op::GroupAdd {
            group,
            from: if now { GroupStart::Now } else { GroupStart::Beginning },
        }),
        1 => (0..3_usize).prop_map(|group| Op::GroupRemove { group }),
        3 => (0..3_usize, 0..2_u8, 0..6_usize)
            .prop_map(|(group, consumer, count)| Op::Read { group, consumer, count }),
        3 => (0..3_usize, vec(0..30_u64, 0..12)).prop_map(|(group, positions)| Op::Ack { group, positions }),
        2 => (0..100_u64, 0..4_usize).prop_map(|(age, limit)| Op::Prune { age, limit }),
        1 => (0..100_u64, 0..9_usize).prop_map(|(age, limit)| Op::Trim { age, limit }),
    ];
    prop_oneof![12 => running, 2 => steering, 2 => outbox]
}
