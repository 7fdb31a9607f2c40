//! When a fault strikes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Fault;
use crate::error::Error;
use crate::knobs::probability;
use crate::route::Route;

/// A fault, and when it strikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// Probability for each request that the rule looks at.
    #[serde(default = "always")]
    pub rate: f64,
    /// The routes it looks at; none means all of the API.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// How often it strikes before it is spent; null for ever.
    #[serde(default)]
    pub times: Option<u64>,
    /// When it is awake; null always.
    #[serde(default)]
    pub window: Option<Window>,
}

/// A time that comes back: awake for `for_ms` out of every `every_ms`, counted from when the plan was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Period, in real milliseconds.
    pub every_ms: u64,
    /// Where in each period it begins.
    #[serde(default)]
    pub from_ms: u64,
    /// How long it lasts.
    pub for_ms: u64,
}

const fn always() -> f64 {
    1.0
}

impl Rule {
    /// This fault for each request.
    pub const fn new(fault: Fault) -> Self {
        Self { fault, rate: 1.0, routes: Vec::new(), times: None, window: None }
    }

    /// With this probability.
    #[must_use]
    pub const fn at_rate(mut self, rate: f64) -> Self {
        self.rate = rate;
        self
    }

    /// On this route; may be said several times.
    #[must_use]
    pub fn on(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// So often, then no more.
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Only within this window.
    #[must_use]
    pub const fn within(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    pub(super) fn looks_at(&self, route: Route, since_set: Duration) -> bool {
        (self.routes.is_empty() || self.routes.contains(&route))
            && self.window.is_none_or(|window| window.is_open(since_set))
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        let field = format!("rules.{}", self.fault.kind());
        probability(&field, self.rate)?;
        if self.window.is_some_and(|window| window.every_ms == 0) {
            return Err(Error::setting(field, "needs a window with every_ms above 0"));
        }
        self.fault.flaw().map_or(Ok(()), |flaw| Err(Error::setting(field, flaw)))
    }
}

impl Window {
    fn is_open(self, since_set: Duration) -> bool {
        let every = u128::from(self.every_ms.max(1));
        let at = since_set.as_millis() % every;
        let (from, until) = (u128::from(self.from_ms), u128::from(self.from_ms) + u128::from(self.for_ms));
        (from..until).contains(&at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_comes_back() {
        let window = Window { every_ms: 1_000, from_ms: 200, for_ms: 300 };
        let awake = |ms| window.is_open(Duration::from_millis(ms));
        assert_eq!(
            [0, 199, 200, 499, 500, 1_199, 1_200].map(awake),
            [false, false, true, true, false, false, true]
        );
    }
}
