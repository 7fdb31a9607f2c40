//! 50: a form that nobody ever fills in, and a review that never ends.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ground::{all_well, broken, events, patient, until_all_ended};
use super::{Scenario, Stage, Told};
use crate::redis::{Connection, Reply, Server};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Crew;
use crate::stories::watch::{ended, within};
use crate::{Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s50_endless_form",
    shows: "30 days pass: forms that nobody touches are looked at less and less, once an hour in the end, and expire; a review \
            never does, it turns stale and is looked at once an hour as well, until it ends after all",
    in_short_set: true,
    tell,
};

/// How far the store's time is pushed at once.
const STEP: Duration = Duration::from_mins(15);

const HOUR: Duration = Duration::from_hours(1);

/// Looks of one day: at most one in three quarters of an hour, as the longest interval is spread by a quarter.
const LOOKS_OF_A_DAY: u64 = 32;

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    patient(&mut world);
    let customers = stage.pick(16, 40);
    let days = stage.pick(3, 30);
    for (setting, value) in [
        ("GANGWAY__POLL__MIN_INTERVAL", "30s"),
        ("GANGWAY__POLL__MAX_INTERVAL", "1h"),
        ("GANGWAY__POLL__GIVE_UP_AFTER", stage.pick("3d", "30d")),
        // The store's time is pushed while workers renew their leases by their own.
        ("GANGWAY__WORKER__LEASE", "365d"),
    ] {
        world.set(setting, value);
    }
    let endless = json!({"lifecycle": {"never_submits": 0.7, "compliance": false}});
    world.put("/_knobs", &endless)?;
    take_in(&world, customers, stage.seed)?;
    let mut crew = Crew::start(&world, 1, false)?;
    within("a link for each", Duration::from_secs(30), || {
        Ok(number(&world.status()?, "/onboardings/by_stage/linked")? == customers)
    })?;
    // Those who come have come: 1 200 simulated seconds to open the link, 1 500 to fill the form in.
    world.put("/_clock", &json!({"advance_s": 3_000}))?;
    let (forms, reviews) = population(&world, customers)?;

    let mut time = Time::of(&world, &server)?;
    time.pass((days - 2) * 24 * HOUR, &mut crew)?;
    let before = polls(&world)?;
    time.pass(24 * HOUR, &mut crew)?;
    let looks = most_looks(&before, &polls(&world)?, &forms)?;
    time.pass(20 * HOUR, &mut crew)?;
    same("ends before the last day is over", &ended(&world.status()?), &0)?;
    // The look before may have been an hour too early.
    time.pass(6 * HOUR, &mut crew)?;
    same("forms expired", &expired(&world)?, &(forms.len() as u64))?;

    let stale_looks = the_stale_are_looked_at_rarely(&mut time, &mut crew, &reviews)?;
    for id in &reviews {
        world.post(&format!("/_customers/{id}/status"), &json!({"status": "APPROVED"}))?;
    }
    time.pass(2 * HOUR, &mut crew)?;
    until_all_ended(&world, customers, Duration::from_secs(30))?;
    crew.stop(&world)?;
    let ends = all_well(&world, customers, 1)?;
    same("approved", &ends.ended("approved"), &(reviews.len() as u64))?;
    Ok(Told {
        customers,
        hurts: 0,
        recovery: None,
        result: format!(
            "{days} days: {} forms expired after {looks} looks a day at most, {} reviews stale at {stale_looks} a day",
            forms.len(),
            reviews.len()
        ),
    })
}

/// The ids of those whose form nobody touches, and of those whose review never ends.
fn population(world: &World, customers: u64) -> Result<(Vec<String>, Vec<String>)> {
    let audit = world.get("/_audit?full=1")?;
    let statuses = audit["full"]["status_per_customer"].as_object().cloned().unwrap_or_default();
    let of = |status: &str| -> Vec<String> {
        statuses.iter().filter(|(_, is)| **is == status).map(|(id, _)| id.clone()).collect()
    };
    let (forms, reviews) = (of("INIT"), of("PENDING_REVIEW"));
    if forms.is_empty() || reviews.is_empty() || (forms.len() + reviews.len()) as u64 != customers {
        return Err(broken(format!("{} forms and {} reviews of {customers}", forms.len(), reviews.len())));
    }
    Ok((forms, reviews))
}

/// Reads by customer, as the simulator has counted them.
fn polls(world: &World) -> Result<Value> {
    Ok(world.get("/_audit?full=1")?["full"]["polls_per_customer"].clone())
}

/// The most looks at one of these between two counts of one day; fails if they are too many, or if there were none.
fn most_looks(before: &Value, after: &Value, ids: &[String]) -> Result<u64> {
    let looks = |id: &String| {
        number(after, &format!("/{id}")).and_then(|all| Ok(all - number(before, &format!("/{id}"))?))
    };
    let looks = ids.iter().map(looks).collect::<Result<Vec<u64>>>()?;
    let (fewest, most) = (looks.iter().min().copied().unwrap_or(0), looks.iter().max().copied().unwrap_or(0));
    if fewest == 0 || most > LOOKS_OF_A_DAY {
        return Err(broken(format!("{fewest} to {most} looks a day; at most {LOOKS_OF_A_DAY}")));
    }
    Ok(most)
}

fn expired(world: &World) -> Result<u64> {
    Ok(events(world)?.iter().filter(|event| event["type"] == "onboarding.expired").count() as u64)
}

/// All reviews are open and marked, and have no end.
fn the_stale_are_looked_at_rarely(time: &mut Time<'_>, crew: &mut Crew, reviews: &[String]) -> Result<u64> {
    for id in reviews {
        let shown = time.world.json(&["show", id, "--json"])?;
        same("a review that never ends is stale", &shown["stale"], &json!(true))?;
        same("its stage", &shown["stage"], &json!("in_review"))?;
    }
    let before = polls(time.world)?;
    time.pass(24 * HOUR, crew)?;
    most_looks(&before, &polls(time.world)?, reviews)
}

/// The time of the store, which is its server's but never goes back: pushed ahead of that, it goes on only by being pushed.
struct Time<'a> {
    world: &'a World,
    connection: Connection,
}

impl<'a> Time<'a> {
    fn of(world: &'a World, server: &Server) -> Result<Self> {
        Ok(Self { world, connection: server.connect()? })
    }

    /// Lets that much time pass, step by step, each long enough for the workers to do what is due in it.
    fn pass(&mut self, by: Duration, crew: &mut Crew) -> Result<()> {
        for _step in 0..by.as_secs() / STEP.as_secs() {
            self.push(STEP)?;
            self.settle_down()?;
        }
        crew.must_live()
    }

    fn push(&mut self, by: Duration) -> Result<()> {
        let (meta, wake) = (self.key("meta"), self.key("wake"));
        self.connection.command(&["HINCRBY", &meta, "tick", &by.as_millis().to_string()])?;
        // Workers sleep until something is due by the time that they know: this wakes them.
        self.connection.command(&["XADD", &wake, "MAXLEN", "1", "*", "w", ""]).map(drop)
    }

    /// Until nothing is due any more.
    fn settle_down(&mut self) -> Result<()> {
        let meta = self.key("meta");
        let now = self.connection.command(&["HGET", &meta, "tick"])?.text();
        let begun = Instant::now();
        while self.left(&now)? > 0 {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(broken("what was due is not done after ten seconds"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Polls that are due, and all that is leased.
    fn left(&mut self, now: &str) -> Result<i64> {
        let held = self.key("held");
        let mut left = integer(&self.connection.command(&["HLEN", &held])?);
        for lane in LANES_OF_POLLS {
            let due = self.key(&format!("due:{lane}"));
            left += integer(&self.connection.command(&["ZCOUNT", &due, "-inf", now])?);
        }
        Ok(left)
    }

    fn key(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.world.namespace().unwrap_or_default())
    }
}

/// Four for each kind, and polls are the third.
const LANES_OF_POLLS: std::ops::Range<u32> = 8..12;

fn integer(reply: &Reply) -> i64 {
    if let Reply::Integer(count) = reply { *count } else { 0 }
}
