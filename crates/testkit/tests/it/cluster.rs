//! Three masters.

use gangway_testkit::Error;
use gangway_testkit::redis::{Cluster, Options};

#[test]
fn a_slot_is_served_by_one_node_and_can_be_moved() {
    let cluster = Cluster::start(&Options::default()).unwrap();
    let ports: Vec<String> = cluster.nodes().iter().map(|n| format!("127.0.0.1:{}", n.port())).collect();
    assert_eq!(cluster.url(), format!("redis+cluster://{}", ports.join(",")));
    assert_eq!(cluster.slot("{gangway}a").unwrap(), cluster.slot("{gangway}b").unwrap());
    let owner = cluster.owner("{gangway}a").unwrap();
    let other = (owner + 1) % 3;
    let nodes = cluster.nodes();
    nodes[owner].command(&["SET", "{gangway}a", "1"]).unwrap();
    let moved = nodes[other].command(&["GET", "{gangway}a"]).unwrap_err();
    assert!(matches!(&moved, Error::Refused { message, .. } if message.starts_with("MOVED")), "{moved}");
    cluster.move_slot("{gangway}a", other).unwrap();
    assert_eq!(nodes[other].command(&["GET", "{gangway}a"]).unwrap().text(), "1");
    assert_eq!(cluster.owner("{gangway}a").unwrap(), other);
    nodes[owner].command(&["GET", "{gangway}a"]).unwrap_err();
}

#[test]
fn a_killed_node_comes_back() {
    let mut cluster = Cluster::start(&Options::default()).unwrap();
    cluster.nodes_mut()[2].kill().unwrap();
    crate::soon("the others' word that slots are missing", || {
        cluster.nodes()[0].command(&["CLUSTER", "INFO"]).unwrap().text().contains("cluster_state:fail")
    });
    cluster.nodes_mut()[2].restart().unwrap();
    cluster.wait_until_ok().unwrap();
}
