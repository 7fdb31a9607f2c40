//! The two kinds of store, and what no program would do to them: payloads and leases changed in place.

use std::collections::HashSet;

use rusqlite::Connection as File;

use crate::faults::Stage;
use crate::redis::{Connection, Reply, Server};
use crate::stories::accounts::number;
use crate::stories::watch::wait_until;
use crate::{Backend, Error, Result, World, same};

/// What stands before the e-mail in a payload.
const BEFORE_EMAIL: &str = r#""email":""#;

/// A kind of store, with its server if it has one.
#[derive(Debug)]
pub(super) enum Ground {
    /// A file.
    Embedded,
    /// A server of its own.
    Redis(Server),
}

impl Ground {
    /// One of each kind.
    pub(super) fn both(stage: &Stage) -> Result<[Self; 2]> {
        Ok([Self::Embedded, Self::Redis(stage.server()?)])
    }

    /// A new world on it.
    pub(super) fn world(&self, stage: &Stage) -> Result<World> {
        match self {
            Self::Embedded => stage.world(Backend::Sqlite),
            Self::Redis(server) => stage.world_on(server),
        }
    }

    /// Writes `new` over `old`, which is as long, in the payloads of the creates of these e-mails. Nobody may work meanwhile.
    pub(super) fn rewrite(&self, world: &World, emails: &[&str], old: &str, new: &str) -> Result<()> {
        // The form in which Redis keeps a payload tells its length before it.
        same("the length of what is written", &new.len(), &old.len())?;
        let rewritten = match self {
            Self::Embedded => rewrite_rows(world, emails, old, new)?,
            Self::Redis(server) => rewrite_values(world, &mut server.connect()?, emails, old, new)?,
        };
        same("payloads changed in the store", &rewritten, &emails.len())
    }

    /// Lets the lease of one running create run out now, and waits until it is taken back.
    pub(super) fn end_one_lease(&self, world: &World) -> Result<()> {
        let running = || number(&world.status()?, "/jobs/customer.create/running");
        let before = running()?;
        match self {
            Self::Embedded => end_row_lease(world)?,
            Self::Redis(server) => end_listed_lease(world, &mut server.connect()?)?,
        }
        wait_until(|| Ok(running()? < before))
    }
}

fn file(world: &World) -> Result<File> {
    let broken =
        |error: rusqlite::Error| Error::Broken(format!("the store's file is not to be opened: {error}"));
    let file = File::open(world.path("gangway.db")).map_err(broken)?;
    file.busy_timeout(std::time::Duration::from_secs(10)).map_err(broken)?;
    Ok(file)
}

fn change(world: &World, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
    let changed = file(world)?.execute(sql, values);
    changed.map_err(|error| Error::Broken(format!("the store's file is not to be changed: {error}")))
}

fn rewrite_rows(world: &World, emails: &[&str], old: &str, new: &str) -> Result<usize> {
    let sql = "UPDATE job SET payload = replace(payload, ?1, ?2) \
               WHERE instr(payload, ?3) > 0 AND instr(payload, ?1) > 0";
    let rewrite = |email: &&str| change(world, sql, (old, new, format!("{BEFORE_EMAIL}{email}\"")));
    emails.iter().map(rewrite).sum()
}

fn end_row_lease(world: &World) -> Result<()> {
    let sql = "UPDATE job SET until = 1 WHERE id = (SELECT max(id) FROM job WHERE hold = 1 AND kind = 0)";
    same("leases that were let run out", &change(world, sql, ())?, &1)
}

/// A key of the world's store.
fn key(world: &World, name: &str) -> Result<String> {
    let namespace = world.namespace().ok_or_else(|| Error::Broken("the world is not on Redis".to_owned()))?;
    Ok(format!("{{{namespace}}}:{name}"))
}

fn rewrite_values(
    world: &World,
    server: &mut Connection,
    emails: &[&str],
    old: &str,
    new: &str,
) -> Result<usize> {
    let found = server.command(&["KEYS", &key(world, "o:*")?])?;
    let wanted: HashSet<&[u8]> = emails.iter().map(|email| email.as_bytes()).collect();
    let mut rewritten = 0;
    for onboarding in found.items().iter().filter_map(Reply::bytes) {
        let stored = server.command_of_bytes(&[b"GET", onboarding])?;
        let stored = stored.bytes().unwrap_or_default();
        if !email_of(stored).is_some_and(|email| wanted.contains(email)) {
            continue;
        }
        if let Some(at) = place(stored, old) {
            let at = at.to_string();
            server.command_of_bytes(&[b"SETRANGE", onboarding, at.as_bytes(), new.as_bytes()])?;
            rewritten += 1;
        }
    }
    Ok(rewritten)
}

/// Leases stand in a sorted set by their ends; a name there ends with the number of the kind, 0 for a create.
fn end_listed_lease(world: &World, server: &mut Connection) -> Result<()> {
    let leases = key(world, "leases")?;
    let listed = server.command(&["ZRANGE", &leases, "0", "-1"])?;
    let create = listed.items().iter().filter_map(Reply::bytes).rfind(|job| job.last() == Some(&0));
    let create = create.ok_or_else(|| Error::Broken("no create is leased".to_owned()))?;
    server.command_of_bytes(&[b"ZADD", leases.as_bytes(), b"XX", b"1", create]).map(drop)
}

/// The e-mail of a payload.
fn email_of(stored: &[u8]) -> Option<&[u8]> {
    let begin = place(stored, BEFORE_EMAIL)? + BEFORE_EMAIL.len();
    let rest = stored.get(begin..)?;
    rest.split(|byte| *byte == b'"').next()
}

/// Where `part` begins in `bytes`.
fn place(bytes: &[u8], part: &str) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part.as_bytes())
}
