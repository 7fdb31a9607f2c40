//! Named places at which a test can hurt the program: kill it, stop it, or hold it up, between one step and the next.
//!
//! ```text
//! create.answered=kill@3, redis.written?settle=stop@1, report.before=panic/10
//! ```
//!
//! A *plan* is a list of rules: a [`Point`], an action, and when. The actions are `kill` (`SIGKILL` to itself), `stop`
//! (`SIGSTOP`: whoever sends `SIGCONT` lets it go on), `abort`, `panic`, `hang` (the thread never goes on) and `wait:500ms`
//! (also `2s`). `@N` means only the Nth passing in this process, `/N` each passing with a chance of 1 in N; neither, each
//! passing. `?mark` restricts a rule to passings that say so: see [`pass_for`]. Only these are counted.
//!
//! Nothing of this is in a build that people use. Without the feature `armed` a passing is a `const fn` that does nothing,
//! and there is no way to arm:
#![cfg_attr(
    not(feature = "armed"),
    doc = "```\nconst _: () = gangway_faultpoint::pass(gangway_faultpoint::Point::LeaseGranted);\n```\n",
    doc = "```compile_fail,E0425\ngangway_faultpoint::arm(\"lease.granted=kill\");\n```"
)]

#[cfg(feature = "armed")]
mod armed;
#[cfg(any(test, feature = "armed"))]
mod plan;
mod point;

#[cfg(feature = "armed")]
pub use armed::{arm, pass, pass_for};
#[cfg(any(test, feature = "armed"))]
pub use plan::BadPlan;
pub use point::Point;

/// The program passes this point. Does nothing: the points are not armed.
#[cfg(not(feature = "armed"))]
#[inline]
pub const fn pass(_point: Point) {}

/// The program passes this point on behalf of `mark`. Does nothing: the points are not armed.
///
/// The mark is what a rule can name behind `?`: an onboarding's id, or what the store was asked to do. Never anything personal.
#[cfg(not(feature = "armed"))]
#[inline]
pub const fn pass_for<T: std::fmt::Display + ?Sized>(_point: Point, _mark: &T) {}

#[cfg(all(test, not(feature = "armed")))]
mod tests {
    use super::*;

    #[test]
    fn a_passing_does_nothing_observable_unless_armed() {
        // What is evaluated while compiling can read no environment, send no signal and count nothing.
        const {
            pass(Point::SettleBegun);
            pass_for(Point::CreateAnswered, "a mark");
        }
    }
}
