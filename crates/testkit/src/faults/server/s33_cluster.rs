//! A cluster of three nodes: all of a store lies in one slot, which moves to another node in the middle.

use crate::faults::{Scenario, Stage, Told};
use crate::redis::{Cluster, Fsync, Options, Server};
use crate::stories::failover::{self, Run};
use crate::{Backend, Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s33_cluster",
    shows: "a cluster of three: every key of the store lies in one slot, and the slot moves in the middle",
    in_short_set: false,
    tell: cluster,
};

fn cluster(stage: &Stage) -> Result<Told> {
    let options = Options { appendonly: Some(Fsync::EverySec), ..Options::default() };
    let cluster = Cluster::start(&options)?;
    let mut world = stage.world(Backend::Redis(cluster.url()))?;
    let run = Run { customers: stage.pick(300, 5_000), rate: stage.pick(400, 1_500), seed: stage.seed };
    let moved = failover::a_moved_slot_loses_nobody(&mut world, &cluster, run)?;
    let keys = all_in_one_slot(&world, &cluster)?;
    Ok(Told {
        customers: run.customers,
        hurts: 1,
        recovery: None,
        result: format!(
            "the slot moved when {} had ended; {keys} keys, all in one slot; no script met keys of two",
            moved.ended_before
        ),
    })
}

/// Answers how many keys there are.
fn all_in_one_slot(world: &World, cluster: &Cluster) -> Result<i64> {
    let tag = format!("{{{}}}", world.namespace().unwrap_or_default());
    let (slot, owner) = (cluster.slot(&tag)?.to_string(), cluster.owner(&tag)?);
    let count = |server: &Server, words: &[&str]| {
        let answer = server.command(words)?;
        answer.integer().ok_or_else(|| Error::Broken(format!("redis told {answer:?} as a count")))
    };
    let nodes = cluster.nodes();
    let keys = count(&nodes[owner], &["CLUSTER", "COUNTKEYSINSLOT", &slot])?;
    for (place, node) in nodes.iter().enumerate() {
        let expected = if place == owner { keys } else { 0 };
        same(&format!("keys of node {place}"), &count(node, &["DBSIZE"])?, &expected)?;
        let crossed = node.command(&["INFO", "errorstats"])?.text();
        same(&format!("scripts of several slots at node {place}"), &crossed.contains("CROSSSLOT"), &false)?;
    }
    if keys == 0 { Err(Error::Broken("the slot is empty".to_owned())) } else { Ok(keys) }
}
