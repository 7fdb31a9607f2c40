//! Onboarding links: made by the partner, used once by the user.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Ledger, Now};
use crate::clock::{SimTime, rfc3339};
use crate::dice::digest;
use crate::knobs::LinkClock;
use crate::lifecycle::{self, Step};
use crate::refusal::Refusal;
use crate::status::Status;

/// A link.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) token: String,
    pub(crate) customer: usize,
    pub(crate) redirect_url: Option<String>,
    pub(crate) expires_at: Timestamp,
    expires: Expiry,
    /// Used up, or killed by a newer one.
    dead: bool,
}

#[derive(Debug, Clone, Copy)]
enum Expiry {
    Simulated(SimTime),
    /// Real time since the start.
    Wall(Duration),
}

impl Link {
    fn is_live(&self, sim: SimTime, real: Duration) -> bool {
        !self.dead
            && match self.expires {
                Expiry::Simulated(at) => sim < at,
                Expiry::Wall(at) => real < at,
            }
    }
}

/// A request for a link whose fields are well-formed.
#[derive(Debug)]
pub(crate) struct LinkRequest<'a> {
    pub(crate) customer_id: &'a str,
    pub(crate) key: Option<Uuid>,
    pub(crate) redirect_url: Option<String>,
}

/// What is told of a link.
#[derive(Debug)]
pub(crate) struct MadeLink {
    pub(crate) token: String,
    pub(crate) expires_at: String,
}

/// Why a browser cannot use a link.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// No such link or session.
    Unknown,
    /// Used or expired.
    Gone,
}

/// How long a browser keeps its place in the form, in simulated time; documented as 24 hours.
const SESSION: Duration = Duration::from_hours(24);

impl Ledger {
    pub(crate) fn make_link(
        &mut self,
        request: &LinkRequest<'_>,
        now: &Now<'_>,
    ) -> Result<MadeLink, Refusal> {
        self.run_due(now);
        let index = *self.by_id.get(request.customer_id).ok_or_else(|| Refusal::not_found("Customer"))?;
        let known = request.key.and_then(|key| self.by_link_key.get(&(index, key))).copied();
        if let Some(link) = known.and_then(|link| self.links.get(link)) {
            return Ok(MadeLink { token: link.token.clone(), expires_at: rfc3339(link.expires_at) });
        }
        let customer = self.customers.get(index).ok_or_else(|| Refusal::not_found("Customer"))?;
        let knobs = &now.knobs.links;
        if !customer.status.allows_link()
            || (customer.status == Status::Rejected && !knobs.allowed_when_rejected)
        {
            let detail = format!("KYB edit not allowed in status {}.", customer.status.as_str());
            return Err(Refusal::new(knobs.not_editable_status, detail));
        }
        Ok(self.insert_link(index, request, now))
    }

    fn insert_link(&mut self, index: usize, request: &LinkRequest<'_>, now: &Now<'_>) -> MadeLink {
        let nth = self.links.len();
        let seed = self.dice.bytes(&[b"link", request.customer_id.as_bytes(), &nth.to_be_bytes()]);
        let token = URL_SAFE_NO_PAD.encode(digest(&[b"token", &seed]));
        let ttl = Duration::from_secs(now.knobs.links.ttl_s);
        let (expires, expires_at) = match now.knobs.links.clock {
            LinkClock::Simulated => {
                let at = now.sim.saturating_add(ttl);
                (Expiry::Simulated(at), now.clock.wall_of(at))
            }
            LinkClock::Wall => {
                let ahead = SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX);
                let at = now.wall.checked_add(ahead).unwrap_or(Timestamp::MAX);
                (Expiry::Wall(now.real.saturating_add(ttl)), at)
            }
        };
        let redirect_url = request.redirect_url.clone();
        self.links.push(Link {
            token: token.clone(),
            customer: index,
            redirect_url,
            expires_at,
            expires,
            dead: false,
        });
        self.by_token.insert(token.clone(), nth);
        if let Some(key) = request.key {
            self.by_link_key.insert((index, key), nth);
        }
        self.after_link(index, nth, now);
        MadeLink { token, expires_at: rfc3339(expires_at) }
    }

    /// Tells the customer's user of the new link.
    fn after_link(&mut self, index: usize, nth: usize, now: &Now<'_>) {
        let Some(customer) = self.customers.get_mut(index) else { return };
        if now.knobs.links.new_kills_older {
            for older in &customer.links {
                if let Some(older) = self.links.get_mut(*older) {
                    older.dead = true;
                }
            }
        }
        customer.links.push(nth);
        let links = customer.links.iter().filter_map(|link| self.links.get(*link));
        let live = links.filter(|link| link.is_live(now.sim, now.real)).count();
        self.counts.live_links_max = self.counts.live_links_max.max(u64::try_from(live).unwrap_or(u64::MAX));
        let lifecycle = &now.knobs.lifecycle;
        let gives_up = customer.status == Status::Rejected && !lifecycle.rejected_may_resubmit;
        if customer.next.is_some() || gives_up {
            return;
        }
        if let Some(after) = lifecycle::opening(customer.course, customer.dice, lifecycle) {
            self.plan(index, Step::Open, now.sim.saturating_add(after));
        }
    }

    /// Uses the newest live link of a customer; false if it has none.
    pub(super) fn use_newest(&mut self, index: usize, sim: SimTime, now: &Now<'_>) -> bool {
        let Some(customer) = self.customers.get(index) else { return false };
        let live = |link: &&usize| self.links.get(**link).is_some_and(|link| link.is_live(sim, now.real));
        let Some(newest) = customer.links.iter().rev().find(live).copied() else { return false };
        self.mark_used(newest, now);
        true
    }

    fn mark_used(&mut self, link: usize, now: &Now<'_>) {
        self.counts.links_used += 1;
        if let Some(link) = self.links.get_mut(link) {
            link.dead = now.knobs.links.single_use;
        }
    }

    /// Whether this token would open the form.
    pub(crate) fn peek(&mut self, token: &str, now: &Now<'_>) -> Result<(), Unusable> {
        self.run_due(now);
        self.live_link(token, now).map(|_| ())
    }

    /// Swaps the token for a browser session. The user who opened it goes on to submit by the autopilot, if that is on.
    pub(crate) fn exchange(&mut self, token: &str, now: &Now<'_>) -> Result<String, Unusable> {
        self.run_due(now);
        let nth = self.live_link(token, now)?;
        self.mark_used(nth, now);
        let session = URL_SAFE_NO_PAD.encode(digest(&[b"session", token.as_bytes()]));
        self.by_session.insert(session.clone(), (nth, now.sim));
        let customer = self.links.get(nth).map(|link| link.customer);
        if let Some(index) = customer
            && now.knobs.lifecycle.users
        {
            self.step(index, Step::Submit, now);
        }
        Ok(session)
    }

    /// Submits the form of this session; tells where the browser shall go.
    pub(crate) fn submit(&mut self, session: &str, now: &Now<'_>) -> Result<Option<String>, Unusable> {
        self.run_due(now);
        let (nth, opened) = *self.by_session.get(session).ok_or(Unusable::Unknown)?;
        let link = self.links.get(nth).ok_or(Unusable::Unknown)?;
        let (index, target) = (link.customer, link.redirect_url.clone());
        let editable = self.customers.get(index).is_some_and(|customer| customer.status.allows_link());
        if now.sim.saturating_sub(opened) > SESSION {
            return Err(Unusable::Gone);
        }
        if editable {
            self.take_step(index, Step::Submit, now.sim, now);
        }
        Ok(target)
    }

    fn live_link(&self, token: &str, now: &Now<'_>) -> Result<usize, Unusable> {
        let nth = *self.by_token.get(token).ok_or(Unusable::Unknown)?;
        match self.links.get(nth) {
            Some(link) if link.is_live(now.sim, now.real) => Ok(nth),
            Some(_) | None => Err(Unusable::Gone),
        }
    }
}
