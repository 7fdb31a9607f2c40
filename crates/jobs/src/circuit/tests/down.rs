//! The API down, or down for one kind of call.

use super::*;

#[test]
fn so_many_failures_in_a_row_stop_everybody_and_cost_nobody_an_attempt() {
    let mut line = Line::new();
    for n in 0..9 {
        assert_eq!(line.hear(CREATE, n, &SILENT), Verdict::Stands);
        assert_eq!(line.may(POLL), Admission::Run(usize::MAX));
    }
    let others = (0..9).map(|n| job(CREATE, n)).collect();
    assert_eq!(line.hear(CREATE, 9, &SILENT), Verdict::Excuse(others));
    for kind in Kind::ALL {
        assert!(line.is_blocked(kind), "{kind}");
    }
    // What was under way when the gate closed costs nothing either.
    assert_eq!(line.hear(LINK, 10, &SILENT), Verdict::Excuse(Vec::new()));
}

#[test]
fn one_answer_in_between_breaks_the_row() {
    let answers = [FRESH, REPLAY, taken(), refused("no")];
    for answer in answers {
        let mut line = Line::new();
        for n in 0..9 {
            line.hear(CREATE, n, &SILENT);
        }
        line.hear(CREATE, 100, &answer);
        assert_eq!(line.hear(CREATE, 10, &SILENT), Verdict::Stands, "{answer:?}");
        assert_eq!(line.state(), "closed");
    }
}

#[test]
fn failures_that_tell_nothing_do_not_break_the_row() {
    let mut line = Line::new();
    for n in 0..9 {
        line.hear(CREATE, n, &SILENT);
        line.hear(CREATE, n, &Signal::None);
    }
    assert!(matches!(line.hear(CREATE, 9, &SILENT), Verdict::Excuse(_)));
}

#[test]
fn plain_500s_need_three_onboardings_and_timeouts_only_one() {
    let table = [(PLAIN_500, 1, false), (PLAIN_500, 2, false), (PLAIN_500, 3, true), (SILENT, 1, true)];
    for (signal, onboardings, opens) in table {
        let mut line = Line::new();
        for n in 0..200 {
            line.hear(CREATE, n % onboardings, &signal);
        }
        assert_eq!(line.circuit.is_open(line.now), opens, "{signal:?} of {onboardings}");
    }
}

#[test]
fn a_few_500s_among_timeouts_do_not_hide_an_outage() {
    let mut line = Line::new();
    line.hear(CREATE, 1, &PLAIN_500);
    for _ in 0..10 {
        line.hear(CREATE, 1, &SILENT);
    }
    assert!(line.circuit.is_open(line.now));
}

#[test]
fn each_failure_of_another_job_is_excused_once_and_the_reporting_one_by_its_own_outcome() {
    let mut line = Line::new();
    for n in [1, 2, 1, 2, 1, 2, 3, 3, 3] {
        line.hear(CREATE, n, &SILENT);
    }
    let Verdict::Excuse(excused) = line.hear(CREATE, 3, &SILENT) else { panic!("not down") };
    let times = |n| excused.iter().filter(|excused| **excused == job(CREATE, n)).count();
    assert_eq!([times(1), times(2), times(3)], [3, 3, 0]);
}

#[test]
fn one_probe_at_a_time_for_the_whole_fleet_and_no_more_than_one_each_interval() {
    let mut line = Line::new();
    bring_down(&mut line);
    line.wait(4);
    assert!(line.is_blocked(POLL));
    line.wait(1);
    let probe = line.probe(POLL);
    assert_eq!(line.state(), "half_open");
    line.speak_as(2, "key-2");
    for kind in Kind::ALL {
        assert!(line.is_blocked(kind), "{kind}");
    }
    line.wait(20);
    assert_eq!(line.settle(job(POLL, 1), probe, false, &SILENT), Verdict::Excuse(Vec::new()));
    assert_eq!(line.may(POLL), Admission::Blocked(line.now.after(line.policy.probe_interval)));
    line.wait(5);
    line.probe(CREATE);
}

#[test]
fn a_probe_that_found_nothing_or_told_nothing_leaves_its_place_at_once() {
    let mut line = Line::new();
    bring_down(&mut line);
    line.wait(5);
    let found_nothing = line.probe(CREATE);
    line.circuit.withdraw(found_nothing);
    let told_nothing = line.probe(LINK);
    line.settle(job(LINK, 1), told_nothing, false, &Signal::None);
    line.probe(POLL);
}

#[test]
fn a_probe_whose_worker_died_blocks_no_longer_than_its_lease() {
    let mut line = Line::new();
    bring_down(&mut line);
    line.wait(5);
    let lost = line.probe(POLL);
    line.wait(59);
    assert!(line.is_blocked(POLL));
    line.wait(1);
    let next = line.probe(POLL);
    // The lost one was only late: its word counts as any other's.
    line.settle(job(POLL, 1), lost, false, &FRESH);
    assert!(line.is_blocked(POLL));
    line.settle(job(POLL, 2), next, false, &FRESH);
    assert_eq!(line.state(), "ramping");
}

#[test]
fn a_recovering_api_meets_more_and_more_calls() {
    let mut line = Line::new();
    bring_down(&mut line);
    line.wait(5);
    let probe = line.probe(POLL);
    line.settle(job(POLL, 1), probe, false, &FRESH);
    let mut last = 0;
    for n in 0..31 {
        let Admission::Run(most) = line.may(CREATE) else { panic!("blocked") };
        assert!(most > last && most <= 66, "{most}");
        last = most;
        line.hear(CREATE, n, &REPLAY);
    }
    assert_eq!((line.may(CREATE), line.state()), (Admission::Run(usize::MAX), "closed"));
}

#[test]
fn a_ramp_with_nothing_to_do_ends_by_itself() {
    let mut line = Line::new();
    bring_down(&mut line);
    line.wait(5);
    let probe = line.probe(POLL);
    line.settle(job(POLL, 1), probe, false, &FRESH);
    line.wait(60);
    assert_eq!((line.may(CREATE), line.state()), (Admission::Run(usize::MAX), "closed"));
}

#[test]
fn the_api_may_be_down_for_one_kind_of_call_only() {
    let mut line = Line::new();
    for n in 0..10 {
        line.hear(CREATE, n, &SILENT);
        line.hear(POLL, n, &FRESH);
    }
    assert_eq!(line.reason(), "the API does not answer customer.create, though it answers other calls");
    assert!(line.is_blocked(CREATE));
    assert_eq!(line.may(POLL), Admission::Run(usize::MAX));
    assert_eq!(line.hear(CREATE, 3, &PLAIN_500), Verdict::Excuse(Vec::new()));
    line.wait(5);
    let probe = line.probe(CREATE);
    assert_eq!(line.settle(job(CREATE, 1), probe, false, &SILENT), Verdict::Excuse(Vec::new()));
    line.wait(5);
    let probe = line.probe(CREATE);
    // Any answer will do, a refusal too.
    assert_eq!(line.settle(job(CREATE, 1), probe, false, &taken()), Verdict::Stands);
    assert_eq!(line.state(), "ramping");
}

#[test]
fn two_rows_that_always_break_a_gateway_stop_nobody() {
    let mut line = Line::new();
    for _ in 0..100 {
        for n in 0..2 {
            assert_eq!(line.hear(CREATE, n, &SILENT), Verdict::Stands);
            line.hear(POLL, n, &FRESH);
        }
    }
    assert_eq!(line.state(), "closed");
}

#[test]
fn what_alone_fails_for_ever_while_the_api_lives_ends_by_its_attempts() {
    let mut line = Line::new();
    for n in 0..10 {
        line.hear(CREATE, n % 3, &SILENT);
        line.hear(POLL, n, &FRESH);
    }
    let mut probes = 0;
    loop {
        line.wait(240);
        let probe = line.probe(CREATE);
        probes += 1;
        let verdict = line.settle(job(CREATE, probes % 3), probe, false, &SILENT);
        line.hear(POLL, 7, &FRESH);
        if verdict == Verdict::Stands {
            break;
        }
        assert!(probes < 100, "never ends");
    }
    assert_eq!(probes, 20);
    for n in 0..60 {
        line.wait(1);
        line.hear(POLL, 7, &FRESH);
        assert_eq!(line.hear(CREATE, n % 3, &SILENT), Verdict::Stands);
    }
}
