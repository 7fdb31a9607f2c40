//! The accounts at the end of a story: nothing lost, nobody twice, every end published once, nothing personal in a log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gangway_producer::sample::{self, Planted, SampleOptions};
use serde_json::Value;

use crate::{Error, Result, World, same};

/// Writes a file of made-up customers into the world's folder.
///
/// # Errors
/// The file cannot be written.
pub fn write_sample(world: &World, name: &str, options: &SampleOptions) -> Result<Planted> {
    let path = world.path(name);
    let io = |source| Error::Io { action: format!("write {}", path.display()), source };
    let file = std::fs::File::create(&path).map_err(io)?;
    sample::write_csv(std::io::BufWriter::new(file), options).map_err(io)
}

/// The file whose customers a world is about, in its folder.
pub const FILE: &str = "customers.csv";

/// Takes in so many made-up customers, all new, out of [`FILE`].
///
/// # Errors
/// The file cannot be written, or the import fails, or leaves a row out.
pub fn take_in(world: &World, customers: u64, seed: u64) -> Result<()> {
    write_sample(world, FILE, &SampleOptions::clean(customers, seed))?;
    import(world, FILE, customers)
}

/// Imports a file whose rows are new and without a fault, and so many.
///
/// # Errors
/// The import fails, or leaves a row out.
pub fn import(world: &World, file: &str, rows: u64) -> Result<()> {
    let imported = world.json(&["import", file, "--json"])?;
    same("rows taken in", &number(&imported, "/enqueued")?, &rows)
}

/// A number out of a JSON answer.
///
/// # Errors
/// There is none at that pointer.
pub fn number(answer: &Value, pointer: &str) -> Result<u64> {
    let found = answer.pointer(pointer).and_then(Value::as_u64);
    found.ok_or_else(|| Error::Broken(format!("no number at {pointer} in {answer}")))
}

/// What a settled world amounts to.
#[derive(Debug)]
pub struct Accounts {
    /// `gangway status --json`.
    pub status: Value,
    /// The simulator's audit.
    pub audit: Value,
    /// Onboardings by their latest end.
    pub ends: BTreeMap<String, u64>,
    /// Events in the outbox.
    pub events: usize,
}

impl Accounts {
    /// How many onboardings ended so.
    pub fn ended(&self, end: &str) -> u64 {
        self.ends.get(end).copied().unwrap_or_default()
    }
}

/// Checks a world in which all work is done and which took in `onboardings`.
///
/// # Errors
/// Something does not add up.
pub fn settle(world: &World, onboardings: u64) -> Result<Accounts> {
    let status = world.status()?;
    let audit = world.audit()?;
    same("onboardings by status", &number(&status, "/onboardings/total")?, &onboardings)?;
    let outbox = world.run(&["outbox", "export"])?.expect_code(0)?;
    let mut book = Book::default();
    for line in outbox.stdout.lines() {
        let event: Value = serde_json::from_str(line)
            .map_err(|error| Error::Broken(format!("an event is no JSON: {error}")))?;
        book.enter(&event)?;
    }
    let by_stage =
        status.pointer("/onboardings/by_stage").and_then(Value::as_object).cloned().unwrap_or_default();
    let ends = book.ends();
    for (stage, count) in &by_stage {
        let told = ends.get(stage).copied().unwrap_or_default();
        same(
            &format!("onboardings {stage} by status, against their terminal events"),
            &count.as_u64().unwrap_or_default(),
            &told,
        )?;
    }
    same("onboardings with an end", &ends.values().sum(), &onboardings)?;
    same(
        "e-mails with several customers at the API",
        &number(&audit, "/emails_with_several_customers")?,
        &0,
    )?;
    same(
        "customers at the API, against customer.created events",
        &number(&audit, "/customers")?,
        &book.created(),
    )?;
    Ok(Accounts { status, audit, ends, events: book.ids.len() })
}

/// The outbox, read as a consumer would.
#[derive(Debug, Default)]
struct Book {
    ids: BTreeSet<String>,
    /// Last sequence by subject and epoch.
    sequences: BTreeMap<(String, String), u64>,
    /// Terminal event by subject and round.
    ends: BTreeMap<(String, u64), String>,
    customers: BTreeSet<String>,
}

impl Book {
    fn enter(&mut self, event: &Value) -> Result<()> {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let (id, subject, kind, epoch) = (text("id"), text("subject"), text("type"), text("epoch"));
        if !self.ids.insert(id.clone()) {
            return Err(Error::Broken(format!("event {id} ({kind}) stands twice in the outbox")));
        }
        let last = self.sequences.entry((subject.clone(), epoch)).or_default();
        let sequence = number(event, "/sequence")?;
        same(&format!("sequence of {kind} of {subject}"), &sequence, &(*last + 1))?;
        *last = sequence;
        if kind == "customer.created" {
            self.customers.insert(event["data"]["customer_id"].to_string());
        }
        if let Some(end) = kind.strip_prefix("onboarding.").filter(|end| ENDS.contains(end)) {
            let round = number(event, "/data/round")?;
            if let Some(other) = self.ends.insert((subject.clone(), round), end.to_owned()) {
                return Err(Error::Broken(format!(
                    "round {round} of {subject} ended twice: {other} and {end}"
                )));
            }
        }
        Ok(())
    }

    /// Onboardings by the end of their latest round.
    fn ends(&self) -> BTreeMap<String, u64> {
        // In order of subject and round, so that the latest round of a subject comes last and stays.
        let latest: BTreeMap<&str, &str> =
            self.ends.iter().map(|((subject, _round), end)| (subject.as_str(), end.as_str())).collect();
        let mut ends = BTreeMap::new();
        for end in latest.into_values() {
            *ends.entry(end.to_owned()).or_default() += 1;
        }
        ends
    }

    fn created(&self) -> u64 {
        self.customers.len() as u64
    }
}

const ENDS: [&str; 6] = ["approved", "rejected", "expired", "dead", "cancelled", "erased"];

/// Fails if a log or another output holds a name or an e-mail of the file.
///
/// # Errors
/// It does; says which file, never which value.
pub fn nothing_personal(world: &World, csv: &str, outputs: &[&str]) -> Result<()> {
    let read = |path: &Path| {
        std::fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|source| Error::Io { action: format!("read {}", path.display()), source })
    };
    let rows = read(&world.path(csv))?;
    let emails: Vec<&str> =
        rows.lines().flat_map(|line| line.split(',')).filter(|cell| cell.contains('@')).collect();
    for output in outputs {
        let text = read(&world.path(output))?;
        // Thousands of addresses against megabytes of log: most lines cannot hold one.
        let mut suspicious = text.lines().filter(|line| line.contains('@'));
        if suspicious.any(|line| emails.iter().any(|email| line.contains(email.trim_matches('"')))) {
            return Err(Error::Broken(format!("{output} holds an e-mail address of {csv}")));
        }
    }
    Ok(())
}
