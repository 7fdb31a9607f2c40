//! How an application moves, decided without doing it.
//!
//! ```text
//! INIT -> PENDING_REVIEW -> UNDER_REVIEW -> APPROVED
//!                            |   ^          REJECTED           -> PENDING_REVIEW (by a new link)
//!                            |   |          PENDING_RESPONSE   -> PENDING_REVIEW (by a new link)
//!                            v   |
//!                         ESCALATED         PENDING_APPROVAL   -> PROVISIONING -> APPROVED, or REJECTED
//! ```
//!
//! The first two lines are documented at <https://developer.1money.com/reference/get_hosted_customer>; the places of
//! `ESCALATED`, `PENDING_APPROVAL` and `PROVISIONING` are chosen.

use std::time::Duration;

use crate::dice::Dice;
use crate::knobs::LifecycleKnobs;
use crate::status::Status;

/// Something that the user or compliance will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The user opens the newest link.
    Open,
    /// The user submits the form.
    Submit,
    /// Compliance takes the application up.
    StartReview,
    /// Compliance comes to a verdict, or escalates.
    Decide,
    /// The escalation is over.
    EndEscalation,
    /// The final approval is given or refused.
    Conclude,
    /// The accounts are set up.
    EndProvisioning,
    /// An approved customer's accounts are set up anew.
    Reprovision,
}

/// How far an application has come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Course {
    pub(crate) submissions: u32,
    pub(crate) escalated: bool,
    pub(crate) reprovisioned: bool,
}

/// What a step brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) status: Option<Status>,
    pub(crate) then: Option<(Step, Duration)>,
}

impl Turn {
    const fn to(status: Status) -> Self {
        Self { status: Some(status), then: None }
    }

    const fn then(mut self, step: Step, after: Duration) -> Self {
        self.then = Some((step, after));
        self
    }
}

/// Whether and when a user who just got a link will open it.
pub(crate) fn opening(course: Course, dice: Dice, knobs: &LifecycleKnobs) -> Option<Duration> {
    if !knobs.users || dice.happens("never submits", knobs.never_submits) {
        return None;
    }
    Some(round(course, dice).within("opens", knobs.opens_after))
}

/// Takes a step: the course it leaves behind is in `course`.
pub(crate) fn turn(step: Step, course: &mut Course, dice: Dice, knobs: &LifecycleKnobs) -> Turn {
    let luck = round(*course, dice);
    let detour = |what: &str| luck.within(what, knobs.detour);
    match step {
        Step::Open => {
            Turn { status: None, then: None }.then(Step::Submit, luck.within("fills in", knobs.fills_in))
        }
        Step::Submit => {
            *course = Course { submissions: course.submissions + 1, ..Course::default() };
            resume(Status::PendingReview, *course, dice, knobs)
        }
        Step::StartReview | Step::EndEscalation => resume(Status::UnderReview, *course, dice, knobs),
        Step::Decide if !course.escalated && luck.happens("escalated", knobs.escalated) => {
            let turn = Turn::to(Status::Escalated).then(Step::EndEscalation, detour("escalation"));
            course.escalated = true;
            turn
        }
        Step::Decide => match verdict(*course, dice, knobs) {
            Verdict::Questions => Turn::to(Status::PendingResponse),
            Verdict::Approved | Verdict::Rejected
                if luck.happens("pending approval", knobs.pending_approval) =>
            {
                Turn::to(Status::PendingApproval).then(Step::Conclude, detour("approval"))
            }
            verdict @ (Verdict::Approved | Verdict::Rejected) => conclude(verdict, *course, dice, knobs),
        },
        Step::Conclude => conclude(verdict(*course, dice, knobs), *course, dice, knobs),
        Step::EndProvisioning => approved(*course, dice, knobs),
        Step::Reprovision => {
            course.reprovisioned = true;
            Turn::to(Status::Provisioning).then(Step::EndProvisioning, detour("reprovisioning"))
        }
    }
}

/// Into this status, with what compliance does next in it.
pub(crate) fn resume(status: Status, course: Course, dice: Dice, knobs: &LifecycleKnobs) -> Turn {
    let dice = round(course, dice);
    let next = match status {
        Status::PendingReview => Some((Step::StartReview, dice.within("queued", knobs.pending_review))),
        Status::UnderReview => Some((Step::Decide, dice.within("review", knobs.under_review))),
        Status::Escalated => Some((Step::EndEscalation, dice.within("escalation", knobs.detour))),
        Status::PendingApproval => Some((Step::Conclude, dice.within("approval", knobs.detour))),
        Status::Provisioning => Some((Step::EndProvisioning, dice.within("provisioning", knobs.detour))),
        Status::Init | Status::PendingResponse | Status::Approved | Status::Rejected => None,
    };
    Turn { status: Some(status), then: next.filter(|_| knobs.compliance) }
}

/// What a review comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Approved,
    Rejected,
    Questions,
}

fn verdict(course: Course, dice: Dice, knobs: &LifecycleKnobs) -> Verdict {
    let drawn = round(course, dice).unit("verdict");
    if drawn < knobs.rejected {
        Verdict::Rejected
    } else if drawn < knobs.rejected + knobs.pending_response && course.submissions <= knobs.max_questions {
        Verdict::Questions
    } else {
        Verdict::Approved
    }
}

fn conclude(verdict: Verdict, course: Course, dice: Dice, knobs: &LifecycleKnobs) -> Turn {
    if verdict == Verdict::Rejected {
        return Turn::to(Status::Rejected);
    }
    if round(course, dice).happens("provisioning first", knobs.provisioning) {
        return resume(Status::Provisioning, course, dice, knobs);
    }
    approved(course, dice, knobs)
}

fn approved(course: Course, dice: Dice, knobs: &LifecycleKnobs) -> Turn {
    let dice = round(course, dice);
    let turn = Turn::to(Status::Approved);
    if !course.reprovisioned && dice.happens("reprovisioned", knobs.reprovisioning) {
        return turn.then(Step::Reprovision, dice.within("approved for", knobs.detour));
    }
    turn
}

/// Each submission has luck of its own.
fn round(course: Course, dice: Dice) -> Dice {
    dice.nth(u64::from(course.submissions))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses that one submission passes through.
    fn path(knobs: &LifecycleKnobs, dice: Dice) -> Vec<Status> {
        let (mut course, mut step, mut path) = (Course::default(), Some(Step::Open), Vec::new());
        while let Some(taken) = step {
            let turn = turn(taken, &mut course, dice, knobs);
            path.extend(turn.status);
            step = turn.then.map(|(step, _)| step);
        }
        path
    }

    #[test]
    fn each_end_is_reached_by_the_documented_path() {
        use Status::{Approved, PendingResponse, PendingReview, Rejected, UnderReview};
        for (rejected, pending_response, end) in
            [(0.0, 0.0, Approved), (1.0, 0.0, Rejected), (0.0, 1.0, PendingResponse)]
        {
            let knobs = LifecycleKnobs { rejected, pending_response, ..LifecycleKnobs::default() };
            assert_eq!(path(&knobs, Dice::new(1)), [PendingReview, UnderReview, end]);
        }
    }

    #[test]
    fn the_detours_are_taken_when_asked_for_and_end() {
        use Status::{Approved, Escalated, PendingApproval, PendingReview, Provisioning, UnderReview};
        let knobs = LifecycleKnobs {
            rejected: 0.0,
            pending_response: 0.0,
            escalated: 1.0,
            pending_approval: 1.0,
            provisioning: 1.0,
            reprovisioning: 1.0,
            ..LifecycleKnobs::default()
        };
        assert_eq!(
            path(&knobs, Dice::new(1)),
            [
                PendingReview,
                UnderReview,
                Escalated,
                UnderReview,
                PendingApproval,
                Provisioning,
                Approved,
                Provisioning,
                Approved
            ]
        );
    }

    #[test]
    fn questions_come_to_an_end() {
        let knobs = LifecycleKnobs { rejected: 0.0, pending_response: 1.0, ..LifecycleKnobs::default() };
        let verdicts: Vec<Verdict> = (1..=5)
            .map(|submissions| verdict(Course { submissions, ..Course::default() }, Dice::new(1), &knobs))
            .collect();
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Questions).count(), 3);
        assert_eq!(verdicts.last(), Some(&Verdict::Approved));
    }

    #[test]
    fn a_fate_follows_from_seed_and_email_and_shares_follow_the_knobs() {
        let knobs = LifecycleKnobs { rejected: 0.3, pending_response: 0.0, ..LifecycleKnobs::default() };
        let fates = |seed: u64| -> Vec<Status> {
            (0..1_000)
                .filter_map(|n| path(&knobs, Dice::new(seed).of(&format!("u{n}@x.example"))).last().copied())
                .collect()
        };
        assert_eq!(fates(5), fates(5));
        assert_ne!(fates(5), fates(6));
        let rejected = fates(5).into_iter().filter(|status| *status == Status::Rejected).count();
        assert!((250..350).contains(&rejected), "{rejected}");
    }

    #[test]
    fn some_users_never_come() {
        let knobs = LifecycleKnobs { never_submits: 0.5, ..LifecycleKnobs::default() };
        let came =
            (0..1_000).filter(|n| opening(Course::default(), Dice::new(1).nth(*n), &knobs).is_some()).count();
        assert!((430..570).contains(&came), "{came}");
    }
}
