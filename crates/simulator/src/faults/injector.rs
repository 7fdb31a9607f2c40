//! Draws from the plan that is set.

use std::time::Duration;

use super::{Fault, FaultPlan, Outage, WebhookFaults};
use crate::dice::Dice;
use crate::route::Route;

/// The plan that is set, and how far it has been used.
#[derive(Debug)]
pub(crate) struct Injector {
    plan: FaultPlan,
    dice: Dice,
    set_at: Duration,
    drawn: u64,
    /// How often each rule has struck, in the order of the plan.
    struck: Vec<u64>,
}

/// What a plan has in store for one request.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    pub(crate) latency: Duration,
    pub(crate) slow: Duration,
    pub(crate) fault: Option<Fault>,
}

impl Injector {
    /// `now` is real time since the start.
    pub(crate) fn new(plan: FaultPlan, seed: u64, now: Duration) -> Self {
        let struck = vec![0; plan.rules.len()];
        Self { plan, dice: Dice::new(seed).of("faults"), set_at: now, drawn: 0, struck }
    }

    /// Takes up another plan from its beginning; the draws go on, so that setting a plan again brings other faults.
    pub(crate) fn set(&mut self, plan: FaultPlan, now: Duration) {
        self.struck = vec![0; plan.rules.len()];
        self.plan = plan;
        self.set_at = now;
    }

    pub(crate) const fn plan(&self) -> &FaultPlan {
        &self.plan
    }

    pub(crate) const fn outage(&self) -> Option<Outage> {
        self.plan.outage
    }

    pub(crate) fn webhooks(&mut self) -> (WebhookFaults, Dice) {
        self.drawn += 1;
        (self.plan.webhooks, self.dice.nth(self.drawn))
    }

    /// Draws for one request.
    pub(crate) fn draw(&mut self, route: Route, now: Duration) -> Drawn {
        self.drawn += 1;
        let dice = self.dice.nth(self.drawn);
        let since_set = now.saturating_sub(self.set_at);
        let mut drawn = Drawn {
            latency: self.plan.latency.draw(dice),
            slow: Duration::from_millis(self.plan.slow_ms),
            fault: None,
        };
        for ((rule, struck), nth) in self.plan.rules.iter().zip(&mut self.struck).zip(0_u64..) {
            let spent = rule.times.is_some_and(|times| *struck >= times);
            if !spent && rule.looks_at(route, since_set) && dice.nth(nth).happens("rule", rule.rate) {
                *struck += 1;
                drawn.fault = Some(rule.fault.clone());
                break;
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::*;

    fn kinds(seed: u64) -> Vec<Option<&'static str>> {
        let plan = FaultPlan::hostile(Duration::from_millis(50));
        let mut injector = Injector::new(plan, seed, Duration::ZERO);
        (0..200)
            .map(|_| injector.draw(Route::Create, Duration::from_secs(1)).fault.as_ref().map(Fault::kind))
            .collect()
    }

    #[test]
    fn one_seed_brings_the_same_faults_and_another_brings_others() {
        assert_eq!(kinds(1), kinds(1));
        assert_ne!(kinds(1), kinds(2));
    }

    #[test]
    fn a_rule_strikes_so_often_and_only_on_its_route() {
        let plan = FaultPlan::none().with(Rule::new(Fault::ResetAfter).on(Route::Create).times(2));
        let mut injector = Injector::new(plan, 1, Duration::ZERO);
        let mut struck = |route| injector.draw(route, Duration::ZERO).fault.is_some();
        assert_eq!(
            [Route::Get, Route::Create, Route::Create, Route::Create].map(&mut struck),
            [false, true, true, false]
        );
    }

    #[test]
    fn the_hostile_plan_harms_about_a_quarter_of_the_creates() {
        let harmed = kinds(9).into_iter().flatten().count();
        assert!((35..=75).contains(&harmed), "{harmed} of 200");
    }
}
