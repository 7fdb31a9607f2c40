//! Who holds which job, read where the Redis store keeps it: the hash of leases.

use std::collections::BTreeSet;

use crate::redis::{Reply, Server};
use crate::{Error, Result, World};

/// A job by its onboarding and its kind, as logs name it.
pub type Job = (String, String);

/// Kinds in the order of their numbers in the store.
const KINDS: [&str; 3] = ["customer.create", "link.create", "status.poll"];

/// The jobs that a worker holds.
///
/// # Errors
/// The world is not on Redis, or the server does not answer.
pub fn held_by(world: &World, server: &Server, worker: &str) -> Result<BTreeSet<Job>> {
    let namespace = world.namespace().ok_or_else(|| Error::Broken("the world is not on Redis".to_owned()))?;
    let found = server.command(&["HGETALL", &format!("{{{namespace}}}:held")])?;
    let pairs = found.items().as_chunks().0.iter();
    let its = pairs.filter(|[_, lease]| holder(lease).as_deref() == Some(worker));
    its.map(|[job, _]| job_of(job))
        .collect::<Option<_>>()
        .ok_or_else(|| Error::Broken("the leases in the store have another form".to_owned()))
}

/// A lease begins with its token and its worker, 16 bytes each.
fn holder(lease: &Reply) -> Option<String> {
    let Reply::Bytes(bytes) = lease else { return None };
    uuid(bytes.get(16..32)?)
}

/// A job is its onboarding, 16 bytes, and the number of its kind.
fn job_of(job: &Reply) -> Option<Job> {
    let Reply::Bytes(bytes) = job else { return None };
    let (id, kind) = bytes.split_at_checked(16)?;
    let kind = KINDS.get(usize::from(*kind.first()?))?;
    Some((uuid(id)?, (*kind).to_owned()))
}

fn uuid(bytes: &[u8]) -> Option<String> {
    let hex = format!("{:032x}", u128::from_be_bytes(bytes.try_into().ok()?));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    Some([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}

/// The id of a live worker by its process, as `gangway status` tells it, and how many leases it has.
///
/// # Errors
/// It is not (or no longer) among the live ones.
pub fn worker_of(world: &World, pid: u32) -> Result<Option<(String, u64)>> {
    let status = world.status()?;
    let workers = status["workers"].as_array().cloned().unwrap_or_default();
    let pid = format!("pid {pid}");
    Ok(workers
        .iter()
        .find(|worker| worker["name"].as_str().is_some_and(|name| name.ends_with(&pid)))
        .and_then(|worker| Some((worker["id"].as_str()?.to_owned(), worker["leases"].as_u64()?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_read() {
        let mut bytes: Vec<u8> = (0..=15).collect();
        assert_eq!(uuid(&bytes).as_deref(), Some("00010203-0405-0607-0809-0a0b0c0d0e0f"));
        bytes.push(2);
        let (id, kind) = job_of(&Reply::Bytes(bytes.clone())).unwrap();
        assert_eq!((id.as_str(), kind.as_str()), ("00010203-0405-0607-0809-0a0b0c0d0e0f", "status.poll"));
        bytes.extend(16..=31);
        assert_eq!(holder(&Reply::Bytes(bytes[1..].to_vec())).unwrap().len(), 36);
        assert_eq!(holder(&Reply::Bytes(vec![1])), None);
    }
}
