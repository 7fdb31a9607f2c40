//! 429: everybody waits, nobody probes.

use super::*;

#[test]
fn a_429_makes_all_wait_as_long_as_it_asked_and_needs_no_probe() {
    let mut line = Line::new();
    line.hear(CREATE, 1, &Signal::RateLimited { wait: Some(Duration::from_secs(7)) });
    line.speak_as(2, "key-2");
    let until = line.now.after(Duration::from_secs(7));
    assert_eq!(line.may(POLL), Admission::Blocked(until));
    assert_eq!(line.circuit.limited_until(line.now), Some(until));
    // A shorter wait does not shorten it.
    line.hear(CREATE, 2, &Signal::RateLimited { wait: Some(Duration::from_secs(1)) });
    assert_eq!(line.may(POLL), Admission::Blocked(until));
    line.wait(7);
    assert_eq!(line.may(POLL), Admission::Run(usize::MAX));
    assert_eq!(line.state(), "closed");
}

#[test]
fn a_429_without_a_wait_doubles_it_up_to_a_cap_and_an_answer_starts_afresh() {
    let mut line = Line::new();
    let wait_of = |line: &mut Line| {
        let Admission::Blocked(until) = line.may(POLL) else { panic!("not blocked") };
        until.since(line.now).as_secs()
    };
    let zero = Signal::RateLimited { wait: Some(Duration::ZERO) };
    for expected in [1, 2, 4, 8, 16, 16] {
        // Many calls were under way: they are one piece of news.
        for n in 0..50 {
            line.hear(CREATE, n, &zero);
        }
        assert_eq!(wait_of(&mut line), expected);
        line.wait(expected);
    }
    line.hear(CREATE, 1, &REPLAY);
    line.hear(CREATE, 1, &Signal::RateLimited { wait: None });
    assert_eq!(wait_of(&mut line), 1);
}

#[test]
fn an_absurd_wait_is_cut() {
    let mut line = Line::new();
    line.hear(CREATE, 1, &Signal::RateLimited { wait: Some(Duration::MAX) });
    line.wait(3600);
    assert_eq!(line.may(POLL), Admission::Run(usize::MAX));
}

#[test]
fn a_429_of_a_probe_leaves_the_probe_to_the_next() {
    let mut line = Line::new();
    bring_down(&mut line);
    line.wait(5);
    let probe = line.probe(POLL);
    line.settle(job(POLL, 1), probe, false, &Signal::RateLimited { wait: Some(Duration::from_secs(9)) });
    assert_eq!(line.may(POLL), Admission::Blocked(line.now.after(Duration::from_secs(9))));
    line.wait(9);
    line.probe(POLL);
}
