//! Several gates open at once.

use super::*;

#[test]
fn one_probe_serves_every_gate_that_it_stands_before() {
    let mut line = Line::new();
    line.hear(CREATE, 1, &quota());
    line.hear(POLL, 1, &Signal::Unauthorized);
    bring_down_behind(&mut line);
    line.wait(5);
    let probe = line.probe(CREATE);
    assert_eq!(line.circuit.probes(), [probe, probe, probe]);
    line.speak_as(2, "key-2");
    assert!(line.is_blocked(POLL));
    line.speak_as(1, "key-1");
    line.settle(job(CREATE, 2), probe, false, &FRESH);
    assert_eq!(line.state(), "ramping");
    assert!(line.circuit.probes().is_empty());
}

fn bring_down_behind(line: &mut Line) {
    for n in 0..10 {
        line.hear(LINK, n, &SILENT);
    }
}

#[test]
fn a_probe_of_several_gates_closes_those_that_its_answer_speaks_of() {
    let mut line = Line::new();
    line.hear(CREATE, 1, &quota());
    bring_down_behind(&mut line);
    line.wait(5);
    let probe = line.probe(CREATE);
    line.settle(job(CREATE, 2), probe, false, &quota());
    // The API lives, the quota is still reached.
    assert!(line.is_blocked(CREATE));
    assert_eq!(line.may(POLL), Admission::Run(2));
}

#[test]
fn a_gate_of_one_kind_does_not_keep_another_kind_from_probing_the_api() {
    let mut line = Line::new();
    line.hear(CREATE, 1, &quota());
    line.wait(5);
    let stuck = line.probe(CREATE);
    bring_down_behind(&mut line);
    line.wait(5);
    assert!(line.is_blocked(CREATE));
    let probe = line.probe(POLL);
    line.settle(job(POLL, 1), probe, false, &FRESH);
    assert_eq!(line.may(LINK), Admission::Run(4));
    assert_eq!(line.circuit.probes(), [stuck]);
}

#[test]
fn a_person_may_open_everything_at_once() {
    let mut line = Line::new();
    bring_down(&mut line);
    line.hear(CREATE, 1, &Signal::Unauthorized);
    line.hear(CREATE, 1, &Signal::RateLimited { wait: Some(Duration::from_mins(1)) });
    assert_eq!(line.circuit.resolve(Resolution::Retry, &line.policy, line.now), []);
    assert_eq!((line.may(POLL), line.state()), (Admission::Run(2), "ramping"));
}
