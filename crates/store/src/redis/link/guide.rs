//! Asking the way: a sentinel knows the master of a name, any node of a cluster the owner of a slot.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value, from_redis_value_ref};

use super::fault::Fault;
use super::url::Node;

/// What a guide answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) master: Node,
    /// Who could be asked the next time.
    pub(super) others: Vec<Node>,
}

type Answer<T> = Result<T, Fault>;

/// Asks a sentinel for the master of that name.
pub(super) async fn ask_sentinel(connection: &mut MultiplexedConnection, master: &str) -> Answer<Found> {
    let mut ask = redis::cmd("SENTINEL");
    ask.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let answer: Option<(String, u16)> = ask.query_async(connection).await?;
    match answer {
        Some((host, port)) => Ok(Found { master: Node { host, port }, others: Vec::new() }),
        None => Err(Fault::away(format!("its sentinel knows no master named {master:?}; check store.url"))),
    }
}

/// A sentinel may be behind the times: only a node that calls itself the master is one.
pub(super) async fn prove_master(connection: &mut MultiplexedConnection) -> Answer<()> {
    let role = match connection.send_packed_command(&redis::cmd("ROLE")).await?.extract_error() {
        // Whoever may not ask finds out by the first write.
        Err(error) if error.code() == Some("NOPERM") => return Ok(()),
        role => role?,
    };
    match role.as_sequence().and_then(|parts| parts.first()).map(from_redis_value_ref::<String>) {
        Some(Ok(role)) if role == "master" => Ok(()),
        Some(_) | None => Err(Fault::away("its sentinel names a master that is none (any more)")),
    }
}

/// Asks a node of a cluster for the owner of a slot.
pub(super) async fn ask_cluster(
    connection: &mut MultiplexedConnection,
    slot: u16,
    guide: &Node,
) -> Answer<Found> {
    let mut ask: Cmd = redis::cmd("CLUSTER");
    ask.arg("SLOTS");
    let answer = connection.send_packed_command(&ask).await?.extract_error()?;
    owner_of(&answer, slot, guide).ok_or_else(|| {
        Fault::away(format!("no node of the cluster serves slot {slot}, in which the store lies"))
    })
}

/// Reads `[[first slot, last slot, [host, port, …] of the master, [host, port, …] of a replica, …], …]`.
fn owner_of(answer: &Value, slot: u16, guide: &Node) -> Option<Found> {
    let ranges = answer.as_sequence()?;
    let holds = |range: &&Value| {
        let bound = |at| range.as_sequence().and_then(|parts| number(parts.get(at)?));
        bound(0).is_some_and(|first| first <= slot) && bound(1).is_some_and(|last| slot <= last)
    };
    let master = node(ranges.iter().find(holds)?.as_sequence()?.get(2)?, guide)?;
    let nodes = ranges.iter().filter_map(Value::as_sequence).flat_map(|parts| parts.iter().skip(2));
    Some(Found { master, others: nodes.filter_map(|part| node(part, guide)).collect() })
}

fn number(value: &Value) -> Option<u16> {
    from_redis_value_ref(value).ok()
}

/// A node that does not know its own address leaves it out: then it is the one that was reached.
fn node(value: &Value, guide: &Node) -> Option<Node> {
    let parts = value.as_sequence()?;
    let host: Option<String> = from_redis_value_ref(parts.first()?).ok()?;
    let host = host.filter(|host| !host.is_empty() && host != "?").unwrap_or_else(|| guide.host.clone());
    Some(Node { host, port: number(parts.get(1)?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn range(first: i64, last: i64, nodes: &[(Value, i64)]) -> Value {
        let nodes = nodes.iter().map(|(host, port)| Value::Array(vec![host.clone(), Value::Int(*port)]));
        Value::Array([Value::Int(first), Value::Int(last)].into_iter().chain(nodes).collect())
    }

    #[test]
    fn the_owner_of_a_slot_is_found_with_all_nodes_that_know_the_cluster() {
        let guide = Node { host: "seed".to_owned(), port: 7000 };
        let node = |host: &str, port| Node { host: host.to_owned(), port };
        let answer = Value::Array(vec![
            range(0, 99, &[(text("10.0.0.1"), 7001), (text("10.0.0.2"), 7002)]),
            range(100, 16383, &[(Value::Nil, 7003)]),
        ]);
        let others = vec![node("10.0.0.1", 7001), node("10.0.0.2", 7002), node("seed", 7003)];
        for (slot, master) in [(0, &others[0]), (99, &others[0]), (100, &others[2])] {
            let found = Found { master: master.clone(), others: others.clone() };
            assert_eq!(owner_of(&answer, slot, &guide), Some(found), "{slot}");
        }
        assert_eq!(owner_of(&Value::Array(vec![]), 5, &guide), None);
        assert_eq!(owner_of(&Value::Okay, 5, &guide), None);
    }
}
