//! Whatever workers ask and report, and however they die: nothing stays shut for ever.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Move {
    Ask { kind: Kind, worker: u128, key: bool },
    Withdraw { lease: usize },
    Settle { lease: usize, number: u128, parked: bool, signal: Signal },
    Stray { kind: Kind, worker: u128, number: u128, parked: bool, signal: Signal },
    Wait(u64),
    Resolve(bool),
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

fn any_signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        Just(Signal::None),
        any::<bool>().prop_map(|fresh| Signal::Healthy { fresh }),
        any::<bool>().prop_map(|internal| Signal::Down { internal }),
        prop::option::of(any::<u64>().prop_map(Duration::from_secs))
            .prop_map(|wait| Signal::RateLimited { wait }),
        Just(Signal::Unauthorized),
        prop::sample::select(vec!["a", "b", "c"]).prop_map(refused),
        Just(taken()),
        Just(quota()),
    ]
}

fn any_move() -> impl Strategy<Value = Move> {
    let number = 0..8_u128;
    let worker = 1..4_u128;
    prop_oneof![
        4 => (any_kind(), worker.clone(), any::<bool>())
            .prop_map(|(kind, worker, key)| Move::Ask { kind, worker, key }),
        1 => (0..8_usize).prop_map(|lease| Move::Withdraw { lease }),
        4 => (0..8_usize, number.clone(), any::<bool>(), any_signal())
            .prop_map(|(lease, number, parked, signal)| Move::Settle { lease, number, parked, signal }),
        6 => (any_kind(), worker, number, any::<bool>(), any_signal()).prop_map(
            |(kind, worker, number, parked, signal)| Move::Stray { kind, worker, number, parked, signal }
        ),
        2 => (0..400_u64).prop_map(Move::Wait),
        1 => any::<bool>().prop_map(Move::Resolve),
    ]
}

fn play(line: &mut Line, leases: &mut Vec<(Kind, u128, LeaseToken)>, step: Move) {
    match step {
        Move::Ask { kind, worker, key } => {
            line.speak_as(worker, if key { "key-1" } else { "key-2" });
            let (admission, token) = line.ask(kind);
            match admission {
                Admission::Blocked(until) => assert!(until > line.now, "a wait of nothing"),
                Admission::Run(most) => assert!(most > 0),
                Admission::Probe => leases.push((kind, worker, token)),
            }
        }
        Move::Withdraw { lease } => {
            if lease < leases.len() {
                line.circuit.withdraw(leases.remove(lease).2);
            }
        }
        Move::Settle { lease, number, parked, signal } => {
            if lease < leases.len() {
                let (kind, worker, token) = leases.remove(lease);
                line.worker = worker;
                line.settle(job(kind, number), token, parked, &signal);
            }
        }
        Move::Stray { kind, worker, number, parked, signal } => {
            line.worker = worker;
            if parked {
                line.hear_again(kind, number, &signal);
            } else {
                line.hear(kind, number, &signal);
            }
        }
        Move::Wait(seconds) => line.wait(seconds),
        Move::Resolve(retry) => {
            let resolution = if retry { Resolution::Retry } else { Resolution::Bury };
            line.circuit.resolve(resolution, &line.policy, line.now);
        }
    }
}

/// A refusal that never ends is decided, if somebody probes: answers after how many probes.
fn probes_until_nothing_is_parked(line: &mut Line, kind: Kind, answer: &Signal) -> usize {
    for probes in 0..2_000 {
        line.wait(60);
        let (admission, token) = line.ask(kind);
        assert!(!matches!(admission, Admission::Blocked(_)), "{}", line.reason());
        if line.settle(job(kind, 1), token, true, answer) == Verdict::Stands {
            return probes;
        }
    }
    panic!("parked for ever: {}", line.reason())
}

proptest! {
    #[test]
    fn whatever_happened_everybody_may_go_on_after_a_while(
        moves in prop::collection::vec(any_move(), 0..120),
    ) {
        let mut line = Line::new();
        let mut leases = Vec::new();
        for step in moves {
            play(&mut line, &mut leases, step);
        }
        let stored = serde_json::to_string(&line.circuit).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Circuit>(&stored).unwrap(), &line.circuit);
        line.wait(3_600 + LEASE.as_secs());
        for kind in Kind::ALL {
            for who in 1..4 {
                line.speak_as(who, "key-1");
                let (admission, token) = line.ask(kind);
                prop_assert!(!matches!(admission, Admission::Blocked(_)), "{} {}", kind, line.reason());
                line.circuit.withdraw(token);
            }
        }
        // And once the API answers as it should, each gate closes at the first new effect of its kind.
        for kind in Kind::ALL {
            let (_, token) = line.ask(kind);
            line.settle(job(kind, 1), token, false, &FRESH);
            prop_assert!(matches!(line.may(kind), Admission::Run(_)), "{} {}", kind, line.reason());
        }
    }

    #[test]
    fn whatever_happened_a_refusal_that_stays_is_decided_in_the_end(
        moves in prop::collection::vec(any_move(), 0..120),
        kind in any_kind(),
        text in prop::sample::select(vec![refused("a"), refused("z"), quota()]),
    ) {
        let mut line = Line::new();
        let mut leases = Vec::new();
        for step in moves {
            play(&mut line, &mut leases, step);
        }
        line.wait(3_600 + LEASE.as_secs());
        line.speak_as(1, "key-1");
        prop_assert!(probes_until_nothing_is_parked(&mut line, kind, &text) <= 61);
    }
}
