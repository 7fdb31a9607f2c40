//! The outbox on a real server, beside the stories that every store passes.

use std::sync::Arc;
use std::time::Duration;

use gangway_jobs::clock::{Clock as _, ManualClock};
use gangway_jobs::event::{Epoch, Event, EventType, event_id};
use gangway_jobs::id::OnboardingId;
use redis::{FromRedisValue as _, Value};
use serde_json::json;
use uuid::Uuid;

use super::{ack, events, group_add, group_remove, read, redact_all, sums, trim};
use crate::conformance::world::{LEASE, beginning, made_for, roomy};
use crate::redis::core::Core;
use crate::redis::keys::{self, keys_in_lua};
use crate::redis::scripts::Script;
use crate::{Error, GroupStart, Mode, Position, ReadRequest, RedisConfig};

mod cleaning;
mod neighbours;
mod pages;

/// Appends as a commit does.
static APPEND: Script = Script::new(
    "append",
    concat!(
        "#!lua flags=allow-oom\n",
        keys_in_lua!(),
        include_str!("../lua/prelude.lua"),
        include_str!("../lua/append.lua"),
        "return { 'ok', begin(), append({ unpack(ARGV, 3) }) }",
    ),
);

/// Entries of a stream: their ids, and their fields one behind the other.
type Entries = Vec<(String, Vec<String>)>;

/// A store of its own on the server of this process.
struct Outbox {
    core: Core,
    clock: Arc<ManualClock>,
}

impl Outbox {
    async fn new() -> Self {
        let server = gangway_testkit::redis::shared().unwrap();
        let config = RedisConfig { namespace: gangway_testkit::redis::namespace(), ..RedisConfig::default() };
        let clock = Arc::new(ManualClock::new(beginning()));
        let mode = Mode::Create(made_for());
        let core = Core::open(&server.url(), &config, &mode, roomy(), Arc::<ManualClock>::clone(&clock))
            .await
            .unwrap();
        Self { core, clock }
    }

    /// Writes an event of the onboarding of that number.
    async fn tell(&self, onboarding: u128, sequence: u64) {
        self.append(vec![event(onboarding, sequence, self).to_cloud_event().to_string()]).await;
    }

    /// Writes the first events of onboardings 1 to `count`.
    async fn tell_many(&self, count: u64) {
        let all = (1..=count).map(|n| event(n.into(), 1, self).to_cloud_event().to_string());
        self.append(all.collect()).await;
    }

    async fn append(&self, texts: Vec<String>) {
        let appended = self.core.call("append", &APPEND, |command| {
            command.arg(&texts);
        });
        assert_eq!(appended.await.unwrap().word, "ok");
    }

    async fn read(&self, group: &str, consumer: &str, count: usize) -> Vec<(Position, Event)> {
        self.read_for(group, consumer, count, LEASE).await
    }

    async fn read_for(
        &self,
        group: &str,
        consumer: &str,
        count: usize,
        claim: Duration,
    ) -> Vec<(Position, Event)> {
        let (group, consumer) = (group.to_owned(), consumer.to_owned());
        read(&self.core, &ReadRequest { group, consumer, count, claim }).await.unwrap()
    }

    async fn ack(&self, group: &str, events: &[(Position, Event)]) -> usize {
        ack(&self.core, group, places(events)).await.unwrap()
    }

    async fn all(&self) -> Vec<(Position, Event)> {
        events(&self.core, Position::default(), usize::MAX).await.unwrap()
    }

    async fn lag(&self, group: &str) -> u64 {
        sums(&self.core).await.unwrap().lags[group]
    }

    /// What another program says to the server, with the stream as `@`.
    async fn say(&self, words: &str) -> Value {
        let stream = self.core.keys.of("outbox");
        let mut words = words.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        for word in words {
            command.arg(if word == "@" { &stream } else { word });
        }
        self.core.work.send("say something", &command).await.unwrap()
    }

    /// The ids that another program reads as the next of a group.
    async fn next_for_a_stranger(&self, group: &str, consumer: &str, count: usize) -> Vec<String> {
        let read = self.say(&format!("XREADGROUP GROUP {group} {consumer} COUNT {count} STREAMS @ >")).await;
        let read: Option<Vec<(String, Entries)>> = Option::from_redis_value(read).unwrap();
        read.unwrap_or_default().into_iter().flat_map(|(_, entries)| entries).map(|(id, _)| id).collect()
    }

    async fn erase(&self, onboarding: u128) {
        let mut command = redis::cmd("SADD");
        command.arg(self.core.keys.of(keys::REDACT)).arg(id(onboarding).to_string());
        self.core.work.send("note an erasure", &command).await.unwrap();
    }
}

fn id(n: u128) -> OnboardingId {
    OnboardingId::from_uuid(Uuid::from_u128(n << 64 | n))
}

fn event(onboarding: u128, sequence: u64, outbox: &Outbox) -> Event {
    let onboarding_id = id(onboarding);
    let data =
        json!({ "reference": format!("ref-{onboarding}"), "url": "https://kyb.example/?secret", "round": 1 });
    Event {
        id: event_id(onboarding_id, EventType::LinkCreated, &sequence.to_string()),
        kind: EventType::LinkCreated,
        onboarding: onboarding_id,
        epoch: Epoch(1),
        sequence,
        time: outbox.clock.now(),
        data,
    }
}

fn places(events: &[(Position, Event)]) -> Vec<Position> {
    events.iter().map(|(position, _)| *position).collect()
}

/// Whose events, and which.
fn told(events: &[(Position, Event)]) -> Vec<(OnboardingId, u64)> {
    events.iter().map(|(_, event)| (event.onboarding, event.sequence)).collect()
}

fn numbers(events: &[(Position, Event)]) -> Vec<u64> {
    places(events).into_iter().map(|position| position.0).collect()
}
