//! The points of an armed build, and what a rule does to the process.

use std::fmt::Display;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::plan::{Action, BadPlan, Plan};
use crate::point::Point;

static PLAN: OnceLock<Plan> = OnceLock::new();

/// From now on this plan holds in this process. Only the first one counts.
///
/// # Errors
/// The plan cannot be read; then none holds.
pub fn arm(plan: &str) -> Result<(), BadPlan> {
    let plan = Plan::read(plan)?;
    PLAN.get_or_init(|| plan);
    Ok(())
}

/// The program passes this point.
pub fn pass(point: Point) {
    passed(point, || None);
}

/// The program passes this point on behalf of `mark`.
///
/// The mark is what a rule can name behind `?`: an onboarding's id, or what the store was asked to do. Never anything personal.
pub fn pass_for<T: Display + ?Sized>(point: Point, mark: &T) {
    passed(point, || Some(mark.to_string()));
}

fn passed(point: Point, mark: impl Fn() -> Option<String>) {
    let Some(plan) = PLAN.get() else { return };
    if let Some(action) = plan.passes(point, mark, |sides| rand::random_range(0..sides)) {
        act(point, action);
    }
}

#[expect(clippy::panic, reason = "what the rule asks for")]
fn act(point: Point, action: Action) {
    match action {
        Action::Kill => signal(Signal::KILL),
        Action::Stop => signal(Signal::STOP),
        Action::Abort => std::process::abort(),
        Action::Panic => panic!("the fault point {} was told to panic", point.as_str()),
        Action::Hang => loop {
            std::thread::park();
        },
        // Of the thread on purpose: a blocked executor is what a starved one looks like.
        Action::Wait(pause) => std::thread::sleep(pause),
    }
}

fn signal(signal: Signal) {
    // A process may always signal itself, so there is nobody to tell otherwise.
    kill_process(getpid(), signal).unwrap_or_default();
    // The system may hand it to another thread first: this one must not get on meanwhile.
    std::thread::sleep(Duration::from_millis(50));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_armed_point_acts_and_a_wrong_plan_arms_nothing() {
        pass(Point::ReportBefore);
        arm("report.before=shoot").unwrap_err();
        assert!(PLAN.get().is_none());
        arm("report.before?one=panic@2").unwrap();
        pass(Point::ReportBefore);
        pass_for(Point::ReportBefore, "one");
        pass_for(Point::ReportBefore, "another");
        std::panic::catch_unwind(|| pass_for(Point::ReportBefore, "one")).unwrap_err();
        pass_for(Point::ReportBefore, "one");
    }
}
