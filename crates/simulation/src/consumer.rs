//! A consumer of the outbox: reads, may die before it acknowledges, and must miss nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use gangway_jobs::id::OnboardingId;
use gangway_store::ReadRequest;

use crate::violation::{Held, answered, broken};
use crate::world::World;

/// The group that every store has.
const GROUP: &str = "main";

/// How long what was read is kept from others.
const CLAIM: Duration = Duration::from_secs(20);

/// What the consumers of the group have seen together.
#[derive(Debug, Default)]
pub(crate) struct Consumer {
    /// The number of the newest event of each onboarding.
    newest: BTreeMap<OnboardingId, u64>,
    count: u64,
}

impl World {
    /// One of two consumers reads a page; acknowledges it, or dies before.
    pub(crate) async fn consume(&mut self, dies: bool) -> Held<usize> {
        let consumer = if self.chance.happens(500) { "a" } else { "b" };
        let count = usize::try_from(self.chance.between(1, 12)).unwrap_or(1);
        let ask = ReadRequest { group: GROUP.to_owned(), consumer: consumer.to_owned(), count, claim: CLAIM };
        let page = answered(self.store.read(ask).await)?;
        for (_, event) in &page {
            let name = self.people.name(event.onboarding).to_owned();
            let newest = self.consumer.newest.entry(event.onboarding).or_default();
            if event.sequence > *newest + 1 {
                let found = format!("{name}: event {} comes after {newest}", event.sequence);
                return broken("a consumer gets every event, in order", found);
            }
            if event.sequence == *newest + 1 {
                *newest += 1;
                self.consumer.count += 1;
            }
        }
        if !page.is_empty() {
            let end = if dies { "dies" } else { "acknowledges" };
            self.note(format_args!("consumer {consumer} reads {} events and {end}", page.len()));
        }
        let read = page.len();
        if !dies {
            answered(self.store.ack(GROUP, page.into_iter().map(|(position, _)| position).collect()).await)?;
        }
        Ok(read)
    }

    /// Whether the group has seen every event that there was.
    pub(crate) fn consumer_has_all(&self) -> Held {
        let (seen, written) = (self.consumer.count, self.books.events.count());
        if seen == written {
            return Ok(());
        }
        broken("a consumer gets every event, in order", format!("{seen} of {written} events were read"))
    }
}
