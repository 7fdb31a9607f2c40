//! What people and webhooks ask for.

use std::time::Duration;

use gangway_jobs::circuit::Resolution;
use gangway_jobs::enqueue::NewOnboarding;
use gangway_jobs::id::{CustomerId, OnboardingId};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::Stage;
use gangway_jobs::transition::EndRequest;
use gangway_producer::Producer;
use gangway_store::{DeadFilter, Target};

use crate::violation::{Held, answered, broken};
use crate::world::World;

impl World {
    fn anybody(&mut self) -> Option<OnboardingId> {
        let all = self.books.all();
        let id = self.chance.pick(&all).copied()?;
        self.touched.insert(id);
        Some(id)
    }

    /// An app hands in one customer of whom a file tells as well.
    pub(crate) async fn hand_in_one(&mut self) -> Held {
        let rows =
            self.people.files.iter().flatten().map(|(_, customer)| customer.clone()).collect::<Vec<_>>();
        let Some(customer) = self.chance.pick(&rows).cloned() else { return Ok(()) };
        let producer = Producer::new(std::sync::Arc::clone(&self.store), self.people.identity.clone());
        let new = NewOnboarding::new(&self.people.identity, customer.clone(), None);
        if self.chance.happens(500) {
            return self.hand_in(vec![new]).await;
        }
        let enqueued = producer.enqueue(customer).await;
        let enqueued =
            enqueued.or_else(|error| broken("the store does what it is asked", error.to_string()))?;
        let name = self.people.name(enqueued.id).to_owned();
        self.note(format_args!("an app hands {name} in: {:?}", enqueued.answer));
        self.touched.insert(enqueued.id);
        if enqueued.answer == gangway_jobs::enqueue::Answer::New {
            self.books.taken_in(enqueued.id, &self.people)?;
        }
        Ok(())
    }

    /// A webhook, or somebody who knows no better, says that something has changed.
    pub(crate) async fn hint(&mut self) -> Held {
        let changed = self.network.changed();
        let target = match changed.first().and_then(|id| CustomerId::parse(id)) {
            Some(customer) if self.chance.happens(700) => Target::Customer(customer),
            _ => match self.anybody() {
                Some(id) => Target::Id(id),
                None => return Ok(()),
            },
        };
        let hinted = answered(self.store.hint(target.clone()).await)?;
        if let Some(found) = answered(self.store.find(target).await)? {
            let name = self.people.name(found.record.id).to_owned();
            self.touched.insert(found.record.id);
            self.note(format_args!("a hint for {name}: {hinted:?}"));
        }
        Ok(())
    }

    pub(crate) async fn request_link(&mut self) -> Held {
        let Some(id) = self.anybody() else { return Ok(()) };
        let requested = answered(self.store.request_link(Target::Id(id)).await)?;
        let name = self.people.name(id).to_owned();
        self.note(format_args!("a link is asked for {name}: {requested:?}"));
        Ok(())
    }

    pub(crate) async fn cancel(&mut self) -> Held {
        let Some(id) = self.anybody() else { return Ok(()) };
        let request = answered(self.store.cancel(Target::Id(id)).await)?;
        self.end_requested(id, "cancel", request);
        Ok(())
    }

    pub(crate) async fn erase(&mut self) -> Held {
        let Some(id) = self.anybody() else { return Ok(()) };
        let was_pruned = answered(self.store.find(Target::Id(id)).await)?.is_none();
        let request = answered(self.store.erase(Target::Id(id)).await)?;
        if was_pruned && request == Some(EndRequest::Ended) {
            self.books.erased(id);
        }
        self.end_requested(id, "erase", request);
        Ok(())
    }

    fn end_requested(&mut self, id: OnboardingId, what: &str, request: Option<EndRequest>) {
        let name = self.people.name(id).to_owned();
        self.note(format_args!("{what} {name}: {request:?}"));
        if request == Some(EndRequest::Requested) {
            self.books.end_requested(id);
        }
    }

    pub(crate) async fn redrive(&mut self) -> Held {
        let limit = usize::try_from(self.chance.between(1, 2)).unwrap_or(1);
        let redriven = answered(self.store.redrive(DeadFilter::default(), limit).await)?;
        if redriven > 0 {
            self.note(format_args!("{redriven} dead jobs are put back"));
        }
        self.touch_all();
        Ok(())
    }

    pub(crate) async fn drop_dead(&mut self) -> Held {
        let dropped = answered(self.store.drop_dead(DeadFilter::default(), 1).await)?;
        if dropped > 0 {
            self.note(format_args!("{dropped} dead letters are dropped"));
        }
        self.touch_all();
        Ok(())
    }

    pub(crate) async fn pause(&mut self) -> Held {
        let one = self.chance.pick(&Kind::ALL).copied();
        let kind = if self.chance.happens(700) { one } else { None };
        self.note(format_args!("pause {kind:?}"));
        answered(self.store.pause(kind).await)
    }

    pub(crate) async fn resume(&mut self) -> Held {
        answered(self.store.resume(None).await)
    }

    pub(crate) async fn set_limits(&mut self) -> Held {
        let slow = RatePolicy { per_second: 2.0, ..RatePolicy::default() };
        let limits = if self.chance.happens(300) { Some(slow) } else { None };
        self.note(format_args!("limits: {:?}", limits.map(|limits| limits.per_second)));
        answered(self.store.set_limits(limits).await)
    }

    pub(crate) async fn resolve(&mut self) -> Held {
        // To bury is a person's word against the API's: only when nothing may still take effect.
        let kinds = answered(self.store.resolve_circuit(Resolution::Retry).await)?;
        if !kinds.is_empty() {
            self.note(format_args!("the circuit is resolved for {kinds:?}"));
        }
        self.touch_all();
        Ok(())
    }

    /// Old records become ledger rows, old events go.
    pub(crate) async fn prune(&mut self) -> Held {
        let now = answered(self.store.now().await)?;
        let age = if self.chance.happens(500) { Duration::ZERO } else { Duration::from_hours(24) };
        let pruned = answered(self.store.prune(now.before(age), 3).await)?;
        let trimmed = answered(self.store.trim(now.before(age), 5).await)?;
        if pruned + trimmed > 0 {
            self.note(format_args!("{pruned} records are pruned, {trimmed} events trimmed"));
        }
        self.touch_all();
        Ok(())
    }

    /// Whether that onboarding could still be brought on.
    pub(crate) fn is_open(&self, id: OnboardingId) -> bool {
        self.books.stage(id).is_some_and(|stage: Stage| !stage.is_end())
    }
}
