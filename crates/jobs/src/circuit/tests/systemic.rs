//! Refusals: five of one kind without a new effect between, phrases, second looks, giving up, a person's decision.

use super::*;

const NOW: Verdict = Verdict::Park(Duration::ZERO);

fn second_look() -> Verdict {
    Verdict::Park(CircuitPolicy::default().confirm_after)
}

/// Five different onboardings meet one refusal.
fn five(line: &mut Line, signal: &Signal) {
    for n in 1..=4 {
        assert_eq!(line.hear(CREATE, n, signal), second_look());
    }
    assert_eq!(line.hear(CREATE, 5, signal), NOW);
}

#[test]
fn five_onboardings_without_a_new_effect_between_stop_that_kind_only_and_bury_nobody() {
    let mut line = Line::new();
    five(&mut line, &refused("feature is off"));
    assert_eq!(line.reason(), "customer.create is refused for everybody: 400 feature is off");
    assert!(line.is_blocked(CREATE));
    assert_eq!(line.may(LINK), Admission::Run(usize::MAX));
    assert_eq!(line.may(POLL), Admission::Run(usize::MAX));
    // What was under way, parked before or not, is parked too; whatever the API calls it.
    assert_eq!(line.hear(CREATE, 6, &refused("feature is off")), NOW);
    assert_eq!(line.hear_again(CREATE, 1, &refused("feature is off")), NOW);
    assert_eq!(line.hear_again(CREATE, 2, &refused("something else")), NOW);
}

#[test]
fn the_same_onboarding_five_times_is_one() {
    let mut line = Line::new();
    for _ in 0..20 {
        line.hear(CREATE, 1, &refused("no"));
    }
    assert_eq!(line.state(), "closed");
}

#[test]
fn texts_that_differ_in_a_number_or_in_case_are_one() {
    let mut line = Line::new();
    for n in 1..=5 {
        let text =
            format!("{} {}17 refused at 09:{}:00", if n == 3 { "Request" } else { "REQUEST" }, n, n * 9);
        line.hear(CREATE, n, &refused(&text));
    }
    assert_eq!(line.state(), "open");
}

#[test]
fn a_new_effect_between_makes_them_the_rows_own_fault_and_each_is_buried() {
    let mut line = Line::new();
    let no = refused("company is not registered");
    for n in 1..=50 {
        assert_eq!(line.hear(CREATE, n, &no), second_look(), "{n}");
        line.hear(CREATE, 1_000 + n, &FRESH);
    }
    // At the end only the parked are left, so no new effect can come between their second looks.
    for n in 1..=50 {
        assert_eq!(line.hear_again(CREATE, n, &no), Verdict::Stands, "{n}");
    }
    assert_eq!(line.state(), "closed");
}

#[test]
fn a_replayed_create_is_no_new_effect_and_a_link_none_for_creates() {
    let mut line = Line::new();
    let no = refused("no");
    for n in 1..=5 {
        line.hear(CREATE, n, &no);
        line.hear(CREATE, 1_000 + n, &REPLAY);
        line.hear(LINK, 2_000 + n, &FRESH);
    }
    assert_eq!(line.state(), "open");
}

#[test]
fn a_few_refused_rows_of_a_small_file_end_by_themselves() {
    let mut line = Line::new();
    let no = refused("no");
    for n in 1..=4 {
        assert_eq!(line.hear(CREATE, n, &no), second_look());
    }
    line.wait(10);
    for n in 1..=4 {
        assert_eq!(line.hear_again(CREATE, n, &no), Verdict::Stands);
    }
    assert_eq!(line.state(), "closed");
}

#[test]
fn five_hundred_taken_emails_stop_nothing() {
    let mut line = Line::new();
    for n in 1..=500 {
        assert_eq!(line.hear(CREATE, n, &taken()), Verdict::Stands);
        assert_eq!(line.may(CREATE), Admission::Run(usize::MAX));
    }
}

#[test]
fn a_probe_that_succeeds_closes_the_gate_and_makes_the_text_the_rows_own_fault_for_an_hour() {
    let mut line = Line::new();
    let no = refused("no");
    five(&mut line, &no);
    line.wait(5);
    let probe = line.probe(CREATE);
    assert_eq!(line.settle(job(CREATE, 9), probe, false, &FRESH), Verdict::Stands);
    assert_eq!((line.may(CREATE), line.state()), (Admission::Run(4), "ramping"));
    for n in 1..=5 {
        assert_eq!(line.hear_again(CREATE, n, &no), Verdict::Stands);
    }
    line.wait(3_599);
    for n in 11..=20 {
        assert_eq!(line.hear(CREATE, n, &no), Verdict::Stands);
    }
    assert_eq!(line.hear(LINK, 21, &no), second_look(), "known for creates only");
    line.wait(1);
    five(&mut line, &no);
}

#[test]
fn a_probe_that_is_a_replay_proves_nothing_and_the_next_follows_at_once() {
    let mut line = Line::new();
    five(&mut line, &refused("no"));
    line.wait(5);
    for n in 10..30 {
        let probe = line.probe(CREATE);
        line.settle(job(CREATE, n), probe, false, &REPLAY);
    }
    assert_eq!(line.state(), "open");
}

#[test]
fn a_probe_with_a_fault_of_its_own_is_buried_and_the_next_follows_at_once() {
    let mut line = Line::new();
    five(&mut line, &refused("no"));
    line.wait(5);
    let probe = line.probe(CREATE);
    assert_eq!(line.settle(job(CREATE, 10), probe, false, &taken()), Verdict::Stands);
    line.probe(CREATE);
}

#[test]
fn a_probe_that_ends_without_a_word_or_is_lost_does_not_hold_the_gate() {
    let mut line = Line::new();
    five(&mut line, &refused("no"));
    line.wait(5);
    let probe = line.probe(CREATE);
    line.settle(job(CREATE, 10), probe, false, &Signal::None);
    let _lost = line.probe(CREATE);
    line.wait(60);
    let probe = line.probe(CREATE);
    line.settle(job(CREATE, 11), probe, false, &FRESH);
    assert_eq!(line.state(), "ramping");
}

#[test]
fn a_probe_that_meets_an_outage_costs_its_job_nothing_and_keeps_the_reason() {
    let mut line = Line::new();
    five(&mut line, &refused("no"));
    line.wait(5);
    let probe = line.probe(CREATE);
    assert_eq!(line.settle(job(CREATE, 1), probe, true, &SILENT), Verdict::Excuse(Vec::new()));
    assert!(line.is_blocked(CREATE));
    line.wait(5);
    line.probe(CREATE);
}

#[test]
fn a_phrase_for_everybody_opens_at_once_and_a_probe_never_makes_it_a_rows_fault() {
    let mut line = Line::new();
    for round in 0..3 {
        assert_eq!(line.hear(CREATE, round, &quota()), NOW);
        assert_eq!(line.state(), "open");
        line.wait(5);
        let probe = line.probe(CREATE);
        line.settle(job(CREATE, 100 + round), probe, false, &FRESH);
        assert_eq!(line.state(), "ramping");
    }
}

/// Probes with the given answers in turn until one of them stands.
fn probe_until_decided(line: &mut Line, answers: &[Signal]) -> u128 {
    for n in 1.. {
        line.wait(60);
        let probe = line.probe(CREATE);
        let answer = &answers[n as usize % answers.len()];
        if line.settle(job(CREATE, n % 5), probe, true, answer) == Verdict::Stands {
            return n;
        }
        assert!(n < 1_000, "never decided");
    }
    unreachable!()
}

#[test]
fn after_enough_probes_over_a_long_time_the_parked_are_decided() {
    for refusal in [refused("no"), quota()] {
        let mut line = Line::new();
        for n in 1..=5 {
            line.hear(CREATE, n, &refusal);
        }
        // Twenty probes in twenty minutes are not enough, nor is an hour alone.
        assert_eq!(probe_until_decided(&mut line, std::slice::from_ref(&refusal)), 60);
        assert_eq!(line.state(), "ramping");
        for n in 1..=5 {
            assert_eq!(line.hear_again(CREATE, n, &refusal), Verdict::Stands);
        }
    }
}

#[test]
fn an_hour_with_fewer_probes_is_not_enough() {
    let mut line = Line::new();
    five(&mut line, &refused("no"));
    for _ in 1..=19 {
        line.wait(3_600);
        let probe = line.probe(CREATE);
        assert_eq!(line.settle(job(CREATE, 1), probe, true, &refused("no")), NOW);
    }
    line.wait(5);
    let probe = line.probe(CREATE);
    assert_eq!(line.settle(job(CREATE, 1), probe, true, &refused("no")), Verdict::Stands);
}

#[test]
fn another_refusal_takes_over_and_the_gate_neither_hammers_nor_lasts_for_ever() {
    let mut line = Line::new();
    five(&mut line, &refused("feature is off"));
    let other = refused("account is suspended");
    line.wait(5);
    for n in 1..=5 {
        let probe = line.probe(CREATE);
        assert_eq!(line.settle(job(CREATE, n), probe, true, &other), NOW);
        assert!(line.is_blocked(CREATE), "the next probe waits");
        line.wait(5);
    }
    assert_eq!(line.reason(), "customer.create is refused for everybody: 400 account is suspended");
    let words = ["in", "other", "words", "each", "time", "and", "never", "twice"].map(refused);
    probe_until_decided(&mut line, &words);
}

#[test]
fn a_quota_behind_another_reason_becomes_the_reason() {
    let mut line = Line::new();
    five(&mut line, &refused("no"));
    assert_eq!(line.hear(CREATE, 9, &quota()), NOW);
    assert_eq!(line.reason(), "customer.create is refused for everybody: 400 quota reached");
    line.wait(5);
    let probe = line.probe(CREATE);
    line.settle(job(CREATE, 10), probe, false, &FRESH);
    assert_eq!(line.hear(CREATE, 9, &quota()), NOW);
}

#[test]
fn two_texts_that_take_turns_are_decided_too() {
    let mut line = Line::new();
    let answers = [refused("no"), quota(), refused("never")];
    five(&mut line, &answers[0]);
    probe_until_decided(&mut line, &answers);
}

#[test]
fn a_person_lets_the_parked_be_tried_as_if_nothing_had_been() {
    let mut line = Line::new();
    let no = refused("no");
    five(&mut line, &no);
    assert_eq!(line.circuit.resolve(Resolution::Retry, &line.policy, line.now), [CREATE]);
    assert_eq!(line.may(CREATE), Admission::Run(2));
    five(&mut line, &no);
}

#[test]
fn a_person_calls_the_refusals_the_rows_own() {
    let mut line = Line::new();
    let no = refused("no");
    five(&mut line, &no);
    assert_eq!(line.circuit.resolve(Resolution::Bury, &line.policy, line.now), [CREATE]);
    for n in 1..=100 {
        assert_eq!(line.hear_again(CREATE, n, &no), Verdict::Stands);
    }
    assert_eq!(line.circuit.resolve(Resolution::Bury, &line.policy, line.now), [], "nothing is open");
}

#[test]
fn a_text_hidden_among_a_few_others_is_found() {
    let mut line = Line::new();
    for n in 0..5 {
        for other in 0..20_u8 {
            line.hear(
                CREATE,
                100 + u128::from(other),
                &refused(&format!("odd {}", char::from(b'a' + other))),
            );
        }
        line.hear(CREATE, n, &refused("feature is off"));
    }
    assert_eq!(line.reason(), "customer.create is refused for everybody: 400 feature is off");
}

#[test]
fn what_is_stored_stays_small_however_odd_the_refusals_and_failures() {
    let mut line = Line::new();
    let letters = |n: u128| -> String {
        format!("{n:032b}").chars().map(|bit| if bit == '1' { 'x' } else { 'y' }).collect()
    };
    for n in 0..5_000 {
        let text = format!("{} {}", letters(n), "long text ".repeat(15));
        line.hear(CREATE, n % 7, &refused(&text));
        line.hear(LINK, n, &refused(&text));
        if n % 3 == 0 {
            line.hear(CREATE, n, &FRESH);
        }
        line.hear(POLL, n % 2, &PLAIN_500);
        line.worker = n;
        line.credential = Box::leak(format!("key-{n}").into_boxed_str());
        line.hear(POLL, n, &Signal::Unauthorized);
        line.wait(1);
    }
    let stored = serde_json::to_string(&line.circuit).unwrap();
    assert!(stored.len() < 64 * 1024, "{}", stored.len());
    assert_eq!(serde_json::from_str::<Circuit>(&stored).unwrap(), line.circuit);
}
