//! One write: what must be, and what is then written, in the sections that the script `commit` reads.
//!
//! All that many onboardings have in common goes into one section, so that the server does one thing for all of them.

use std::collections::BTreeMap;

use gangway_jobs::id::{ImportId, OnboardingId};
use gangway_jobs::identity::EmailKey;
use redis::Cmd;

use super::keys::{self, Keys};

/// Arguments, one behind the other.
#[derive(Debug, Default)]
struct Args {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Args {
    fn push(&mut self, argument: &[u8]) {
        self.bytes.extend_from_slice(argument);
        self.ends.push(self.bytes.len());
    }

    fn write(&self, command: &mut Cmd) {
        let mut from = 0;
        for end in &self.ends {
            command.arg(&self.bytes[from..*end]);
            from = *end;
        }
    }
}

/// One write in the making.
#[derive(Debug)]
pub(super) struct Write {
    tag: Vec<u8>,
    revisions: Args,
    rows: Args,
    held: Args,
    proofs: Args,
    ends: Args,
    free: Args,
    places: Args,
    new: Args,
    /// Keyed e-mails that become somebody's, and those that somebody gives up.
    claimed: BTreeMap<EmailKey, OnboardingId>,
    freed: BTreeMap<EmailKey, OnboardingId>,
    values: Args,
    deleted: Args,
    /// By the key's name behind the tag: jobs that wait in a lane from now on, and those that no longer do.
    waits: BTreeMap<Vec<u8>, Args>,
    waits_no_more: BTreeMap<Vec<u8>, Args>,
    ended_leases: Args,
    marked_leases: Args,
    lone_no_more: Args,
    ledger: Args,
    links: Args,
    unlinks: Args,
    /// Commands that are seldom needed, each with its count of arguments.
    others: Vec<Args>,
    sums: BTreeMap<String, i64>,
    import_sums: BTreeMap<(ImportId, String), i64>,
    /// Whether an onboarding was erased, so that its events must be cleaned.
    pub(super) erases: bool,
}

impl Write {
    pub(super) fn new(keys: &Keys) -> Self {
        Self {
            tag: format!("{}:", keys.tag()).into_bytes(),
            revisions: Args::default(),
            rows: Args::default(),
            held: Args::default(),
            proofs: Args::default(),
            ends: Args::default(),
            free: Args::default(),
            places: Args::default(),
            new: Args::default(),
            claimed: BTreeMap::new(),
            freed: BTreeMap::new(),
            values: Args::default(),
            deleted: Args::default(),
            waits: BTreeMap::new(),
            waits_no_more: BTreeMap::new(),
            ended_leases: Args::default(),
            marked_leases: Args::default(),
            lone_no_more: Args::default(),
            ledger: Args::default(),
            links: Args::default(),
            unlinks: Args::default(),
            others: Vec::new(),
            sums: BTreeMap::new(),
            import_sums: BTreeMap::new(),
            erases: false,
        }
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        let columns =
            [&self.values, &self.deleted, &self.ended_leases, &self.marked_leases, &self.ledger, &self.links];
        columns.iter().all(|column| column.ends.is_empty())
            && self.others.is_empty()
            && self.waits.is_empty()
            && self.waits_no_more.is_empty()
            && self.unlinks.ends.is_empty()
            && self.freed.is_empty()
            && self.sums.is_empty()
    }

    fn key(&self, name: &str, rest: &[u8]) -> Vec<u8> {
        [&self.tag, name.as_bytes(), rest].concat()
    }

    /// The bucket of an entry of an index.
    fn bucket(&self, name: &str, entry: &[u8]) -> Vec<u8> {
        self.key(name, &entry[..2])
    }

    /// Whether a job that was leased alone is done with: the next such job, due long since, may be leased.
    pub(super) fn lets_the_next_lone_go(&self) -> bool {
        !self.lone_no_more.ends.is_empty()
    }

    // ---- what must be ----

    pub(super) fn must_have_revision(&mut self, id: OnboardingId, revision: &[u8]) {
        let key = self.key(keys::ONBOARDING, id.as_uuid().as_bytes());
        self.revisions.push(&key);
        self.revisions.push(revision);
    }

    pub(super) fn must_have_row(&mut self, id: OnboardingId, row: &[u8]) {
        let id = id.as_uuid().as_bytes();
        let key = self.bucket(keys::LEDGER, id);
        for argument in [&key[..], id, row] {
            self.rows.push(argument);
        }
    }

    pub(super) fn must_be_held(&mut self, job: &[u8], lease: &[u8]) {
        self.held.push(job);
        self.proofs.push(lease);
    }

    /// The lease must end then: a renewal changes nothing else.
    pub(super) fn must_end(&mut self, job: &[u8], until: &[u8]) {
        self.ends.push(job);
        self.ends.push(until);
    }

    pub(super) fn must_not_be_held(&mut self, job: &[u8]) {
        self.free.push(job);
    }

    /// The onboarding must be unknown, and is known from now on.
    pub(super) fn must_be_new(&mut self, id: OnboardingId) {
        let id = id.as_uuid().as_bytes();
        let key = self.bucket(keys::LEDGER, id);
        self.new.push(&key);
        self.new.push(id);
    }

    // ---- what is written ----

    pub(super) fn set(&mut self, id: OnboardingId, value: &[u8]) {
        self.values.bytes.extend_from_slice(&self.tag);
        self.values.bytes.extend_from_slice(keys::ONBOARDING.as_bytes());
        self.values.push(id.as_uuid().as_bytes());
        self.values.push(value);
    }

    pub(super) fn delete(&mut self, id: OnboardingId) {
        let key = self.key(keys::ONBOARDING, id.as_uuid().as_bytes());
        self.deleted.push(&key);
    }

    /// The onboarding's entry in the ledger: nothing while it is kept whole.
    pub(super) fn ledger_entry(&mut self, id: OnboardingId, row: &[u8]) {
        let id = id.as_uuid().as_bytes();
        let key = self.bucket(keys::LEDGER, id);
        for argument in [&key[..], id, row] {
            self.ledger.push(argument);
        }
    }

    pub(super) fn claim_email(&mut self, email: EmailKey, id: OnboardingId) {
        self.claimed.insert(email, id);
    }

    pub(super) fn free_email(&mut self, email: EmailKey, id: OnboardingId) {
        self.freed.insert(email, id);
    }

    pub(super) fn link(&mut self, index: &str, entry: &[u8], id: OnboardingId) {
        let key = self.bucket(index, entry);
        for argument in [&key[..], entry, id.as_uuid().as_bytes()] {
            self.links.push(argument);
        }
    }

    pub(super) fn unlink(&mut self, index: &str, entry: &[u8], id: OnboardingId) {
        let key = self.bucket(index, entry);
        for argument in [&key[..], entry, id.as_uuid().as_bytes()] {
            self.unlinks.push(argument);
        }
    }

    /// A job waits in a lane, so far or from now on.
    pub(super) fn wait(&mut self, lane: &[u8], due: &[u8], member: &[u8]) {
        let lane = self.waits.entry(lane.to_vec()).or_default();
        lane.push(due);
        lane.push(member);
    }

    /// A job waited in a lane, and must still; from now on it does not.
    pub(super) fn wait_no_more(&mut self, lane: &[u8], member: &[u8]) {
        let key = self.key(keys::DUE, lane);
        self.places.push(&key);
        self.places.push(member);
        self.waits_no_more.entry(lane.to_vec()).or_default().push(member);
    }

    pub(super) fn end_lease(&mut self, job: &[u8]) {
        self.ended_leases.push(job);
    }

    pub(super) fn mark_lease(&mut self, job: &[u8], lease: &[u8]) {
        self.marked_leases.push(job);
        self.marked_leases.push(lease);
    }

    /// The job is no longer leased alone.
    pub(super) fn lone_no_more(&mut self, job: &[u8]) {
        self.lone_no_more.push(job);
    }

    /// A command on a key, as it is.
    pub(super) fn command(&mut self, command: &str, name: &str, rest: &[u8], arguments: &[&[u8]]) {
        let mut all = Args::default();
        all.push(command.as_bytes());
        all.push(&self.key(name, rest));
        for argument in arguments {
            all.push(argument);
        }
        self.others.push(all);
    }

    pub(super) fn sum(&mut self, name: String, difference: i64) {
        *self.sums.entry(name).or_default() += difference;
    }

    pub(super) fn import_sum(&mut self, import: ImportId, name: String, difference: i64) {
        *self.import_sums.entry((import, name)).or_default() += difference;
    }

    // ---- the sections ----

    /// Writes the sections, and the events behind them.
    pub(super) fn write(&self, events: &[String], command: &mut Cmd) {
        self.write_checks(command);
        self.do_to_all("MSET", None, &self.values, command);
        self.do_to_all("DEL", None, &self.deleted, command);
        self.do_to_all("ZREM", Some((keys::LEASES, &[])), &self.ended_leases, command);
        self.do_to_all("HDEL", Some((keys::HELD, &[])), &self.ended_leases, command);
        self.do_to_all("HSET", Some((keys::HELD, &[])), &self.marked_leases, command);
        self.do_to_all("HDEL", Some((keys::SUSPECTS, &[])), &self.lone_no_more, command);
        for (lane, members) in &self.waits_no_more {
            self.do_to_all("ZREM", Some((keys::DUE, lane)), members, command);
        }
        for (lane, jobs) in &self.waits {
            command.arg("wait").arg(jobs.ends.len() + 1).arg(self.key(keys::DUE, lane));
            jobs.write(command);
        }
        section("link", &self.ledger, command);
        section("link", &self.links, command);
        section("unlink", &self.unlinks, command);
        self.write_emails(command);
        for other in &self.others {
            section("do", other, command);
        }
        self.write_sums(command);
        if !events.is_empty() {
            command.arg("events").arg(events.len());
            for event in events {
                command.arg(event.as_bytes());
            }
        }
    }

    /// Claims come last: only they must be undone if another check fails.
    fn write_checks(&self, command: &mut Cmd) {
        section("revision", &self.revisions, command);
        section("row", &self.rows, command);
        let passed_on = self.freed.iter().filter(|(email, _)| self.claimed.contains_key(email));
        section("row", &self.emails(passed_on), command);
        if !self.held.ends.is_empty() {
            command.arg("held").arg(self.held.ends.len() * 2);
            self.held.write(command);
            self.proofs.write(command);
        }
        section("ends", &self.ends, command);
        section("free", &self.free, command);
        section("lane", &self.places, command);
        section("new", &self.new, command);
        let claimed = self.claimed.iter().filter(|(email, _)| !self.freed.contains_key(email));
        section("email", &self.emails(claimed), command);
    }

    /// What was claimed is written already, but for what one onboarding gives up and another gets in this very write.
    fn write_emails(&self, command: &mut Cmd) {
        let passed_on = self.claimed.iter().filter(|(email, _)| self.freed.contains_key(email));
        section("link", &self.emails(passed_on), command);
        let freed = self.freed.iter().filter(|(email, _)| !self.claimed.contains_key(email));
        section("unlink", &self.emails(freed), command);
    }

    /// Entries of the index of e-mails.
    fn emails<'a>(&self, entries: impl Iterator<Item = (&'a EmailKey, &'a OnboardingId)>) -> Args {
        let mut arguments = Args::default();
        for (email, id) in entries {
            let key = self.bucket(keys::EMAIL, email.as_bytes());
            for argument in [&key[..], email.as_bytes(), id.as_uuid().as_bytes()] {
                arguments.push(argument);
            }
        }
        arguments
    }

    fn write_sums(&self, command: &mut Cmd) {
        let mut add = |key: Vec<u8>, name: &str, difference: i64| {
            if difference != 0 {
                command.arg("do").arg(4).arg("HINCRBY").arg(key).arg(name).arg(difference);
            }
        };
        for (name, difference) in &self.sums {
            add(self.key(keys::SUMS, &[]), name, *difference);
        }
        for ((import, name), difference) in &self.import_sums {
            add(self.key(keys::IMPORT, import.as_uuid().as_bytes()), name, *difference);
        }
    }

    fn do_to_all(&self, word: &str, key: Option<(&str, &[u8])>, arguments: &Args, command: &mut Cmd) {
        if arguments.ends.is_empty() {
            return;
        }
        command.arg("do").arg(arguments.ends.len() + 1 + usize::from(key.is_some())).arg(word);
        if let Some((name, rest)) = key {
            command.arg(self.key(name, rest));
        }
        arguments.write(command);
    }
}

fn section(word: &str, arguments: &Args, command: &mut Cmd) {
    if !arguments.ends.is_empty() {
        command.arg(word).arg(arguments.ends.len());
        arguments.write(command);
    }
}
