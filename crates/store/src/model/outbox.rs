//! The outbox: groups, claims, acknowledgements.

use std::collections::{BTreeMap, BTreeSet};

use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::Event;
use gangway_jobs::id::OnboardingId;

use super::state::State;
use crate::words::{GroupStart, Position, ReadRequest};
use crate::{Error, MAX_BATCH, Result};

/// A registered group of consumers.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Events up to here were there before it.
    after: Position,
    acked: BTreeSet<Position>,
    /// Who keeps an event from the others, and until when.
    claims: BTreeMap<Position, (String, Timestamp)>,
}

impl Group {
    /// Whether the group still has to read the event of that place.
    fn wants(&self, position: Position) -> bool {
        position > self.after && !self.acked.contains(&position)
    }

    /// An event has moved: what the group has done with it, it has done with it there.
    pub(super) fn follow(&mut self, from: Position, to: Position) {
        if !self.wants(from) {
            self.acked.insert(to);
        } else if let Some(claim) = self.claims.remove(&from) {
            self.claims.insert(to, claim);
        }
    }

    fn is_claimed_elsewhere(&self, position: Position, consumer: &str, now: Timestamp) -> bool {
        self.claims.get(&position).is_some_and(|(owner, until)| owner != consumer && *until > now)
    }
}

impl State {
    pub(super) fn group_add(&mut self, name: &str, from: GroupStart) -> bool {
        if self.groups.contains_key(name) {
            return false;
        }
        let after = match from {
            GroupStart::Beginning => Position::default(),
            GroupStart::Now => self.last,
        };
        self.groups.insert(name.to_owned(), Group { after, ..Group::default() });
        true
    }

    pub(super) fn unread(&self, group: &Group) -> u64 {
        self.events.keys().filter(|position| group.wants(**position)).count() as u64
    }

    pub(super) fn read(&mut self, ask: &ReadRequest, now: Timestamp) -> Result<Vec<(Position, Event)>> {
        let group = self
            .groups
            .get_mut(&ask.group)
            .ok_or_else(|| Error::UnknownGroup { group: ask.group.clone() })?;
        let mut held_up: BTreeSet<OnboardingId> = BTreeSet::new();
        let mut read = Vec::new();
        for (position, event) in &self.events {
            if read.len() == ask.count.min(MAX_BATCH) {
                break;
            }
            if !group.wants(*position) {
                continue;
            }
            if group.is_claimed_elsewhere(*position, &ask.consumer, now) {
                held_up.insert(event.onboarding);
            }
            // Order matters within one onboarding only: the others do not wait.
            if !held_up.contains(&event.onboarding) {
                read.push((*position, event.clone()));
            }
        }
        let until = now.after(ask.claim);
        for (position, _) in &read {
            group.claims.insert(*position, (ask.consumer.clone(), until));
        }
        Ok(read)
    }

    pub(super) fn ack(&mut self, name: &str, positions: &[Position]) -> Result<usize> {
        let group =
            self.groups.get_mut(name).ok_or_else(|| Error::UnknownGroup { group: name.to_owned() })?;
        let mut newly = 0;
        for position in positions {
            if self.events.contains_key(position) && group.wants(*position) {
                group.acked.insert(*position);
                group.claims.remove(position);
                newly += 1;
            }
        }
        Ok(newly)
    }

    pub(super) fn events_after(&self, after: Position, limit: usize) -> Vec<(Position, Event)> {
        let later = self.events.iter().filter(|(position, _)| **position > after);
        later.take(limit).map(|(position, event)| (*position, event.clone())).collect()
    }

    pub(super) fn trim(&mut self, older_than: Timestamp, limit: usize) -> usize {
        let done_with = |position: &Position| self.groups.values().all(|group| !group.wants(*position));
        // From the beginning only: what is kept is always the newest, without holes.
        let old: Vec<Position> = self
            .events
            .iter()
            .take_while(|(position, event)| event.time < older_than && done_with(position))
            .map(|(position, _)| *position)
            .take(limit)
            .collect();
        for position in &old {
            self.events.remove(position);
        }
        old.len()
    }
}
