//! 401: per worker, for the fleet, rotated, forgotten.

use super::*;

#[test]
fn a_401_stops_that_credential_on_that_worker() {
    let mut line = Line::new();
    line.hear(CREATE, 1, &Signal::Unauthorized);
    for kind in Kind::ALL {
        assert!(line.is_blocked(kind), "{kind}");
    }
    // The file with the credential was read again.
    line.speak_as(1, "key-2");
    assert_eq!(line.may(CREATE), Admission::Run(usize::MAX));
    line.speak_as(2, "key-1");
    assert_eq!(line.may(CREATE), Admission::Run(usize::MAX));
}

#[test]
fn a_401_of_two_workers_or_of_the_only_one_stops_the_fleet() {
    for alone in [false, true] {
        let mut line = Line::new();
        if alone {
            line.live_workers = 1;
        } else {
            line.hear(CREATE, 1, &Signal::Unauthorized);
            line.speak_as(2, "key-1");
        }
        line.hear(CREATE, 2, &Signal::Unauthorized);
        line.speak_as(3, "key-1");
        assert!(line.is_blocked(POLL), "alone: {alone}");
        assert_eq!(line.reason(), "the API refuses the credential (401)");
        line.wait(5);
        let probe = line.probe(POLL);
        line.settle(job(POLL, 1), probe, false, &FRESH);
        assert_eq!(line.state(), "closed");
    }
}

#[test]
fn a_worker_whose_new_credential_is_taken_leaves_the_gate_of_the_old_one() {
    let mut line = Line::new();
    line.hear(CREATE, 1, &Signal::Unauthorized);
    line.speak_as(1, "key-2");
    line.hear(CREATE, 1, &FRESH);
    assert_eq!(line.state(), "closed");
}

#[test]
fn the_gate_of_a_worker_that_died_is_forgotten() {
    let mut line = Line::new();
    line.hear(CREATE, 1, &Signal::Unauthorized);
    line.speak_as(2, "key-1");
    line.hear(CREATE, 2, &FRESH);
    assert_eq!(line.state(), "open");
    line.wait(305);
    assert_eq!(line.state(), "closed");
    line.speak_as(1, "key-1");
    assert_eq!(line.may(CREATE), Admission::Run(usize::MAX));
}

#[test]
fn a_401_that_lasts_is_probed_and_never_forgotten() {
    let mut line = Line::new();
    line.live_workers = 1;
    line.hear(POLL, 1, &Signal::Unauthorized);
    for _ in 0..500 {
        line.wait(5);
        let probe = line.probe(POLL);
        line.settle(job(POLL, 1), probe, false, &Signal::Unauthorized);
        assert!(line.is_blocked(POLL));
    }
}

#[test]
fn a_worker_with_a_bad_credential_cannot_keep_the_probes_for_itself() {
    let mut line = Line::new();
    bring_down(&mut line);
    line.wait(5);
    let probe = line.probe(POLL);
    line.settle(job(POLL, 1), probe, false, &Signal::Unauthorized);
    assert!(line.is_blocked(POLL));
    line.speak_as(2, "key-2");
    let probe = line.probe(POLL);
    line.settle(job(POLL, 1), probe, false, &FRESH);
    assert_eq!(line.may(POLL), Admission::Run(4));
}
