//! A consumer of events dies after it has dealt with some and before it acknowledges them, again and again.
//!
//! Two ways to read: by the program (`outbox read`, `outbox ack`), and by Redis's own commands on the stream.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use super::{LONGEST, at};
use crate::faults::{Scenario, Stage, Told};
use crate::redis::{Connection, Reply, Server};
use crate::stories::accounts::{self, number, take_in};
use crate::stories::crew::Crew;
use crate::stories::watch::within;
use crate::{Error, Result, World, same};

mod ledger;

use ledger::Ledger;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s57_consumer_crash",
    shows: "consumers of the outbox die between effect and acknowledgement: the same events come again under the same ids, and \
            who drops repeats has each effect once, in order",
    in_short_set: true,
    tell,
};

/// Read by the program.
const BY_PROGRAM: &str = "billing";

/// Read by Redis's own commands.
const BY_STREAM: &str = "audit";

fn tell(stage: &Stage) -> Result<Told> {
    let (customers, page) = stage.pick((150, 25), (3_000, 500));
    let server = stage.server()?;
    let world = stage.world_on(&server)?;
    take_in(&world, customers, stage.seed)?;
    for group in [BY_PROGRAM, BY_STREAM] {
        world.json(&["outbox", "group", "add", group, "--json"])?;
    }
    let mut crew = Crew::start(&world, 2, false)?;
    let mut consumers = [
        Consumer::new(stage.seed, Reader::Program { page }),
        Consumer::new(stage.seed + 1, Reader::Stream { page, connection: None }),
    ];
    within("the end of the outbox", LONGEST, || {
        crew.must_live()?;
        let all_ended = at(&world, &["approved", "rejected"])? == customers;
        let mut read = 0;
        for consumer in &mut consumers {
            read += consumer.turn(&world, &server)?;
        }
        Ok(all_ended && read == 0)
    })?;
    crew.stop(&world)?;

    let accounts = accounts::settle(&world, customers)?;
    for consumer in &consumers {
        consumer.ledger.check(accounts.events, customers)?;
        if consumer.crashes < 3 || consumer.ledger.repeats < 3 {
            return Err(Error::Broken("too few crashes to prove anything".to_owned()));
        }
    }
    let status = world.status()?;
    for group in [BY_PROGRAM, BY_STREAM] {
        same(&format!("events that {group} has not read"), &behind(&status, group)?, &0)?;
    }
    accounts::nothing_personal(&world, "customers.csv", &["worker-0.log", "worker-1.log"])?;
    let repeats: u64 = consumers.iter().map(|consumer| consumer.ledger.repeats).sum();
    let crashes: u64 = consumers.iter().map(|consumer| consumer.crashes).sum();
    Ok(Told {
        customers,
        hurts: crashes,
        recovery: None,
        result: format!(
            "{} events read by two groups: {repeats} came again after a crash, each effect is there once",
            accounts.events
        ),
    })
}

fn behind(status: &Value, group: &str) -> Result<u64> {
    number(status, &format!("/outbox/groups/{group}"))
}

/// An event, and what acknowledges it.
struct Delivery {
    position: String,
    event: Value,
}

/// A program that deals with events; it dies and is started again.
struct Consumer {
    reader: Reader,
    /// As in a database: it survives.
    ledger: Ledger,
    random: StdRng,
    crashes: u64,
    /// Ids that it was given before its last crash and did not acknowledge, in order.
    owed: Vec<String>,
}

impl Consumer {
    fn new(seed: u64, reader: Reader) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { reader, ledger: Ledger::default(), random, crashes: 0, owed: Vec::new() }
    }

    /// Reads a page and deals with it; in every second turn it dies on the way. Answers how much it was given.
    fn turn(&mut self, world: &World, server: &Server) -> Result<usize> {
        let page = self.reader.read(world, server)?;
        let ids: Vec<String> = page.iter().map(|delivery| id(&delivery.event)).collect();
        let come_again = ids.get(..self.owed.len()).unwrap_or(&ids);
        same("ids that come again after a crash", &come_again, &self.owed.as_slice())?;
        let dies = !page.is_empty() && self.random.random_bool(0.5);
        let dealt_with = if dies { self.random.random_range(1..=page.len()) } else { page.len() };
        page[..dealt_with].iter().try_for_each(|delivery| self.ledger.deal_with(&delivery.event))?;
        if dies {
            self.crashes += 1;
            self.owed = ids;
            self.reader.die();
        } else {
            self.owed.clear();
            self.reader.acknowledge(world, server, &page)?;
        }
        Ok(page.len())
    }
}

fn id(event: &Value) -> String {
    event["id"].as_str().unwrap_or_default().to_owned()
}

/// How a consumer gets its events.
enum Reader {
    /// `gangway outbox read` and `ack`.
    Program { page: usize },
    /// `XREADGROUP` and `XACK`.
    Stream { page: usize, connection: Option<Connection> },
}

impl Reader {
    fn read(&mut self, world: &World, server: &Server) -> Result<Vec<Delivery>> {
        match self {
            Self::Program { page } => {
                let count = page.to_string();
                let read =
                    world.json(&["outbox", "read", "--group", BY_PROGRAM, "--count", &count, "--json"])?;
                let events = read["events"].as_array().cloned().unwrap_or_default();
                let deliver = |event: Value| Delivery { position: event["position"].to_string(), event };
                Ok(events.into_iter().map(deliver).collect())
            }
            Self::Stream { page, connection } => read_stream(world, server, *page, connection),
        }
    }

    fn acknowledge(&mut self, world: &World, server: &Server, page: &[Delivery]) -> Result<()> {
        if page.is_empty() {
            return Ok(());
        }
        let positions = page.iter().map(|delivery| delivery.position.as_str());
        match self {
            Self::Program { .. } => {
                let words: Vec<&str> =
                    ["outbox", "ack", "--json", "--group", BY_PROGRAM].into_iter().chain(positions).collect();
                let acknowledged = number(&world.json(&words)?, "/acknowledged")?;
                same("acknowledged", &acknowledged, &(page.len() as u64))
            }
            Self::Stream { .. } => {
                let key = stream(world)?;
                let words: Vec<&str> = ["XACK", &key, BY_STREAM].into_iter().chain(positions).collect();
                let acknowledged = server.command(&words)?.integer();
                same("acknowledged", &acknowledged, &i64::try_from(page.len()).ok())
            }
        }
    }

    /// What a dead process leaves: a connection that is closed.
    fn die(&mut self) {
        if let Self::Stream { connection, .. } = self {
            *connection = None;
        }
    }
}

fn stream(world: &World) -> Result<String> {
    let namespace = world.namespace().ok_or_else(|| Error::Broken("the world is not on Redis".to_owned()))?;
    Ok(format!("{{{namespace}}}:outbox"))
}

/// A process that begins takes over what one before it had taken, and then reads on.
fn read_stream(
    world: &World,
    server: &Server,
    page: usize,
    connection: &mut Option<Connection>,
) -> Result<Vec<Delivery>> {
    let (key, count) = (stream(world)?, page.to_string());
    if connection.is_none() {
        let mut fresh = server.connect()?;
        let taken_over =
            fresh.command(&["XAUTOCLAIM", &key, BY_STREAM, "reader", "0", "0", "COUNT", &count])?;
        *connection = Some(fresh);
        let entries = deliveries(taken_over.items().get(1))?;
        if !entries.is_empty() {
            return Ok(entries);
        }
    }
    let Some(open) = connection else { return Ok(Vec::new()) };
    let words = ["XREADGROUP", "GROUP", BY_STREAM, "reader", "COUNT", &count, "STREAMS", &key, ">"];
    let read = open.command(&words)?;
    deliveries(read.items().first().and_then(|stream| stream.items().get(1)))
}

fn deliveries(entries: Option<&Reply>) -> Result<Vec<Delivery>> {
    let deliver = |entry: &Reply| {
        let [position, fields] = entry.items() else { return None };
        let event = serde_json::from_str(&fields.field("event")?.text()).ok()?;
        Some(Delivery { position: position.text(), event })
    };
    let entries = entries.map(Reply::items).unwrap_or_default();
    entries
        .iter()
        .map(deliver)
        .collect::<Option<_>>()
        .ok_or_else(|| Error::Broken("the stream of events has another form".to_owned()))
}
