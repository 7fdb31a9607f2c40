//! A survey by each way to a server.

use gangway_testkit::redis::{Cluster, Fsync, Options, Sentinels, Server};

use super::*;

fn durable() -> Options {
    Options { appendonly: Some(Fsync::EverySec), maxmemory: Some(64 << 20), ..Options::default() }
}

async fn surveyed(url: &str) -> Survey {
    survey(url, &RedisConfig::default()).await.unwrap()
}

#[tokio::test]
async fn a_server_tells_of_itself() {
    let server = Server::start(&durable()).unwrap();
    let survey = surveyed(&server.url()).await;
    let facts = survey.facts.as_ref().unwrap();
    assert_eq!((facts.aof, facts.max_memory, facts.has_file), (Some(true), Some(64 << 20), true));
    assert_eq!(survey.setting("appendfsync"), Some("everysec"));
    assert_eq!(survey.rights, Rights::Granted);
    assert!(survey.measured.median <= survey.measured.worst);
    assert!(survey.measured.ahead_ms.unwrap().abs() < 500, "{:?}", survey.measured);
}

#[tokio::test]
async fn behind_sentinels_the_master_is_looked_at_and_its_replica_is_named() {
    let sentinels = Sentinels::start(1, &durable()).unwrap();
    let master = sentinels.master_port().unwrap().unwrap();
    let survey = surveyed(&sentinels.url()).await;
    let replica = sentinels.servers().iter().find(|server| server.port() != master).unwrap();
    let command = survey.cli.set("appendfsync", "always");
    assert!(command.starts_with(&format!("`redis-cli -h 127.0.0.1 -p {master} CONFIG SET")), "{command}");
    assert!(
        command.contains(&format!("127.0.0.1:{}, which may take its place", replica.port())),
        "{command}"
    );
}

#[tokio::test]
async fn in_a_cluster_the_owner_of_the_slot_is_looked_at() {
    let cluster = Cluster::start(&durable()).unwrap();
    let survey = surveyed(&cluster.url()).await;
    let facts = survey.facts.as_ref().unwrap();
    let owner = &cluster.nodes()[cluster.owner("{gangway}").unwrap()];
    let told = owner.command(&["INFO", "server"]).unwrap().text();
    assert!(facts.cluster && told.contains(&facts.run_id), "{facts:?}");
    assert_eq!(survey.rights, Rights::Granted);
    assert!(survey.cli.run("PING").contains("--cluster call 127.0.0.1:"), "{:?}", survey.cli);
}

#[tokio::test]
async fn a_user_who_is_turned_away_is_an_error_and_no_question_of_rights() {
    let server = Server::start(&Options { requirepass: Some("right".to_owned()), ..durable() }).unwrap();
    let url = server.url().replace("right", "wrong");
    let error = survey(&url, &RedisConfig::default()).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    assert!(!format!("{error} {error:?}").contains("wrong@"), "{error:?}");
}
