//! A cluster of three masters, each with a third of the slots.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::options::Options;
use super::reply::Reply;
use super::server::Server;
use crate::{Error, Result, same, wait};

/// What each node begins with.
const SLOTS: [RangeInclusive<u16>; 3] = [0..=5_460, 5_461..=10_922, 10_923..=16_383];

/// Everything here takes a few seconds at most.
const LIMIT: Duration = Duration::from_secs(30);

/// Three nodes that know each other, without replicas.
#[derive(Debug)]
pub struct Cluster {
    nodes: [Server; 3],
}

impl Cluster {
    /// Starts the nodes with these options, deals out the slots, and waits until every node finds all well.
    ///
    /// # Errors
    /// Something does not come up.
    pub fn start(options: &Options) -> Result<Self> {
        let options = Options { cluster: true, ..options.clone() };
        let start = || Server::start(&options);
        let cluster = Self { nodes: [start()?, start()?, start()?] };
        for (epoch, (node, slots)) in (1..).zip(cluster.nodes.iter().zip(SLOTS)) {
            let (first, last) = (slots.start().to_string(), slots.end().to_string());
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])?;
            // Different ones, so that nodes need not argue about whose word is newer.
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &format!("{epoch}")])?;
            node.command(&["CLUSTER", "MEET", "127.0.0.1", &cluster.nodes[0].port().to_string()])?;
        }
        cluster.wait_until_ok()?;
        Ok(cluster)
    }

    /// Waits until every node sees three nodes and all slots served.
    ///
    /// # Errors
    /// It does not come within half a minute, or a node is down.
    pub fn wait_until_ok(&self) -> Result<()> {
        wait::until("cluster_state:ok on all nodes", LIMIT, || {
            for node in &self.nodes {
                let state = node.command(&["CLUSTER", "INFO"])?.text();
                let has = |line: &str| state.lines().any(|found| found == line);
                if !(has("cluster_state:ok") && has("cluster_known_nodes:3") && has("cluster_size:3")) {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
    }

    /// `redis+cluster://127.0.0.1:A,127.0.0.1:B,127.0.0.1:C`, with the password if there is one.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}{}", self.nodes[0].login(), hosts.join(","))
    }

    /// The nodes.
    pub fn nodes(&self) -> &[Server; 3] {
        &self.nodes
    }

    /// The nodes, to be hurt.
    pub fn nodes_mut(&mut self) -> &mut [Server; 3] {
        &mut self.nodes
    }

    /// The slot of a key; what stands in braces decides, if something does.
    ///
    /// # Errors
    /// The first node does not answer.
    pub fn slot(&self, key: &str) -> Result<u16> {
        let slot = self.nodes[0].command(&["CLUSTER", "KEYSLOT", key])?;
        slot.integer()
            .and_then(|slot| u16::try_from(slot).ok())
            .ok_or_else(|| Error::Broken(format!("redis told {slot:?} as a slot")))
    }

    /// The place among [`Self::nodes`] of the one that serves a key.
    ///
    /// # Errors
    /// The first node does not answer, or knows of none.
    pub fn owner(&self, key: &str) -> Result<usize> {
        let slot = i64::from(self.slot(key)?);
        let ranges = self.nodes[0].command(&["CLUSTER", "SLOTS"])?;
        let port = ranges.items().iter().find_map(|range| match range.items() {
            [first, last, node, ..] if (first.integer()?..=last.integer()?).contains(&slot) => {
                node.items().get(1)?.integer()
            }
            _ => None,
        });
        let place = self.nodes.iter().position(|node| Some(i64::from(node.port())) == port);
        place.ok_or_else(|| Error::Broken(format!("no node has slot {slot}")))
    }

    /// Moves the slot of a key, with all keys in it, to another node. Clients that do not know yet are told `MOVED`, and
    /// `ASK` meanwhile.
    ///
    /// # Errors
    /// A node refuses.
    pub fn move_slot(&self, key: &str, to: usize) -> Result<()> {
        let slot = self.slot(key)?.to_string();
        let (source, target) = (&self.nodes[self.owner(key)?], &self.nodes[to]);
        let (source_id, target_id) = (id(source)?, id(target)?);
        if source_id == target_id {
            return Ok(());
        }
        target.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source_id])?;
        source.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target_id])?;
        while move_keys(source, target, &slot)? {}
        // The new owner first: it must not be asked for what it does not think its own.
        for node in [target, source].into_iter().chain(&self.nodes) {
            node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &target_id])?;
        }
        Ok(())
    }
}

fn id(node: &Server) -> Result<String> {
    Ok(node.command(&["CLUSTER", "MYID"])?.text())
}

/// Moves some keys; false if there were none left.
fn move_keys(source: &Server, target: &Server, slot: &str) -> Result<bool> {
    let found = source.command(&["CLUSTER", "GETKEYSINSLOT", slot, "100"])?;
    // Not as text: a key may hold any bytes.
    let keys: Vec<&[u8]> = found.items().iter().filter_map(Reply::bytes).collect();
    if keys.is_empty() {
        return Ok(false);
    }
    let port = target.port().to_string();
    let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000"];
    let login = target.login();
    let password = login.trim_start_matches(':').trim_end_matches('@');
    if !password.is_empty() {
        words.extend(["AUTH", password]);
    }
    words.push("KEYS");
    let words: Vec<&[u8]> = words.into_iter().map(str::as_bytes).chain(keys).collect();
    let answer = source.connect()?.command_of_bytes(&words)?;
    // Else it would go on for ever.
    same("the answer to MIGRATE", &answer.text(), &"OK".to_owned()).map(|()| true)
}
