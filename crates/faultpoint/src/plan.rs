//! What shall happen where, as it is written, and when it is a rule's turn.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::Point;

/// A plan that cannot be read: the rule at fault, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPlan {
    rule: String,
    fault: &'static str,
}

impl fmt::Display for BadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rule {:?} {}", self.rule, self.fault)
    }
}

impl std::error::Error for BadPlan {}

/// What a rule does to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Kill,
    Stop,
    Abort,
    Panic,
    Hang,
    Wait(Duration),
}

/// Which passings a rule takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Each,
    Nth(u64),
    OneIn(u64),
}

/// One rule, and how often its point was passed.
#[derive(Debug)]
struct Rule {
    point: Point,
    mark: Option<String>,
    action: Action,
    when: When,
    passed: AtomicU64,
}

/// All rules.
#[derive(Debug)]
pub(crate) struct Plan(Vec<Rule>);

impl Plan {
    /// Reads a plan; an empty text is an empty one.
    pub(crate) fn read(text: &str) -> Result<Self, BadPlan> {
        let rules = text.split(',').map(str::trim).filter(|rule| !rule.is_empty());
        let read = |rule: &str| Rule::read(rule).map_err(|fault| BadPlan { rule: rule.to_owned(), fault });
        rules.map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Counts a passing; answers what it brings. `mark` is only asked for where a rule has one, and `dice` (a number below
    /// its argument) where one has a chance.
    pub(crate) fn passes(
        &self,
        point: Point,
        mark: impl Fn() -> Option<String>,
        dice: impl Fn(u64) -> u64,
    ) -> Option<Action> {
        let mut action = None;
        // Each rule counts for itself, so all are asked.
        for rule in self.0.iter().filter(|rule| rule.point == point) {
            if (rule.mark.is_none() || rule.mark == mark()) && rule.takes(&dice) {
                action = action.or(Some(rule.action));
            }
        }
        action
    }
}

impl Rule {
    fn read(text: &str) -> Result<Self, &'static str> {
        let (place, action) = text.split_once('=').ok_or("has no `=`")?;
        let (point, mark) = match place.split_once('?') {
            Some((_, "")) => return Err("has nothing behind its `?`"),
            Some((point, mark)) => (point, Some(mark.to_owned())),
            None => (place, None),
        };
        let point = Point::named(point).ok_or("names no point")?;
        let (action, when) = match action.split_once(['@', '/']) {
            None => (action, When::Each),
            Some((name, number)) => {
                let number = number.parse().ok().filter(|number| *number > 0);
                let number = number.ok_or("wants a number from 1 behind `@` or `/`")?;
                let is_nth = action[name.len()..].starts_with('@');
                (name, if is_nth { When::Nth(number) } else { When::OneIn(number) })
            }
        };
        let action = Action::read(action).ok_or("names no action")?;
        Ok(Self { point, mark, action, when, passed: AtomicU64::new(0) })
    }

    fn takes(&self, dice: impl Fn(u64) -> u64) -> bool {
        let passed = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
        match self.when {
            When::Each => true,
            When::Nth(nth) => passed == nth,
            When::OneIn(chance) => dice(chance) == 0,
        }
    }
}

impl Action {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "kill" => Self::Kill,
            "stop" => Self::Stop,
            "abort" => Self::Abort,
            "panic" => Self::Panic,
            "hang" => Self::Hang,
            _ => Self::Wait(duration(text.strip_prefix("wait:")?)?),
        })
    }
}

fn duration(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(millis) => millis.parse().ok().map(Duration::from_millis),
        None => text.strip_suffix('s')?.parse().ok().map(Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What so many passings without a mark bring, with dice that always fall on that.
    fn bring(plan: &str, point: Point, passings: usize, fall: u64) -> Vec<Option<Action>> {
        let plan = Plan::read(plan).unwrap();
        (0..passings).map(|_| plan.passes(point, || None, |_| fall)).collect()
    }

    #[test]
    fn a_point_has_one_name_and_is_found_by_it() {
        for point in Point::ALL {
            assert_eq!(Point::named(point.as_str()), Some(point));
        }
    }

    #[test]
    fn every_action_is_read() {
        for (text, action) in [
            ("kill", Action::Kill),
            ("stop", Action::Stop),
            ("abort", Action::Abort),
            ("panic", Action::Panic),
            ("hang", Action::Hang),
            ("wait:500ms", Action::Wait(Duration::from_millis(500))),
            ("wait:2s", Action::Wait(Duration::from_secs(2))),
        ] {
            let found = bring(&format!("report.after={text}"), Point::ReportAfter, 2, 1);
            assert_eq!(found, [Some(action); 2], "{text}: at each passing");
        }
    }

    #[test]
    fn the_nth_passing_is_counted_by_point_and_by_rule() {
        let plan =
            Plan::read("create.answered=kill@3, create.answered=stop@1,link.answered=abort@1").unwrap();
        let pass = |point| plan.passes(point, || None, |_| 0);
        assert_eq!(pass(Point::CreateAnswered), Some(Action::Stop));
        assert_eq!(pass(Point::PollAnswered), None);
        assert_eq!(pass(Point::CreateAnswered), None);
        assert_eq!(pass(Point::LinkAnswered), Some(Action::Abort));
        assert_eq!(pass(Point::CreateAnswered), Some(Action::Kill));
        assert_eq!(pass(Point::CreateAnswered), None);
    }

    #[test]
    fn a_chance_is_the_dices_to_decide() {
        let plan = "settle.begun=panic/10";
        assert_eq!(bring(plan, Point::SettleBegun, 2, 0), [Some(Action::Panic); 2]);
        assert_eq!(bring(plan, Point::SettleBegun, 2, 9), [None; 2]);
        Plan::read(plan).unwrap().passes(
            Point::SettleBegun,
            || None,
            |sides| {
                assert_eq!(sides, 10);
                1
            },
        );
    }

    #[test]
    fn a_mark_restricts_a_rule_and_its_count() {
        let plan = Plan::read("redis.written?settle=kill@2").unwrap();
        let pass = |mark: Option<&str>| plan.passes(Point::RedisWritten, || mark.map(str::to_owned), |_| 0);
        let found = [Some("settle"), Some("lease jobs"), None, Some("settle"), Some("settle")].map(pass);
        assert_eq!(found, [None, None, None, Some(Action::Kill), None]);
    }

    #[test]
    fn a_wrong_plan_is_refused_and_says_why() {
        assert!(Plan::read(" , ").unwrap().0.is_empty());
        for (text, fault) in [
            ("lease.granted", "has no `=`"),
            ("nowhere=kill", "names no point"),
            ("lease.granted?=kill", "has nothing behind its `?`"),
            ("lease.granted=shoot", "names no action"),
            ("lease.granted=wait", "names no action"),
            ("lease.granted=wait:5", "names no action"),
            ("lease.granted=kill@0", "wants a number from 1 behind `@` or `/`"),
            ("lease.granted=kill/x", "wants a number from 1 behind `@` or `/`"),
        ] {
            let refused = Plan::read(&format!("report.before=stop@1, {text}")).unwrap_err();
            assert_eq!(refused.to_string(), format!("the rule {text:?} {fault}"));
        }
    }
}
