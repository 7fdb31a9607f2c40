//! Nothing is left behind, however the owner of servers ends.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use gangway_testkit::redis::{Options, Server};

use crate::{lives, soon};

/// A program that holds servers: itself, and each server's process id and folder.
fn owner(kind: &str, servers: usize) -> (Child, Vec<(u32, PathBuf)>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throwaway-redis"));
    let mut owner = command.arg(kind).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // The url comes first.
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines().skip(1).take(servers);
    let held = lines.map(|line| {
        let line = line.unwrap();
        let (pid, folder) = line.split_once(' ').unwrap();
        (pid.parse().unwrap(), PathBuf::from(folder))
    });
    let held = held.collect();
    (owner, held)
}

fn all_gone(held: &[(u32, PathBuf)]) {
    for (pid, folder) in held {
        soon("the server's end", || !lives(*pid));
        soon("the folder's end", || !folder.exists());
    }
}

#[test]
fn servers_end_with_an_owner_that_is_killed() {
    for (kind, servers) in [("alone", 1), ("sentinels", 5), ("cluster", 3)] {
        let (mut owner, held) = owner(kind, servers);
        assert_eq!(held.len(), servers);
        assert!(held.iter().all(|(pid, folder)| lives(*pid) && folder.exists()), "{kind}");
        owner.kill().unwrap();
        owner.wait().unwrap();
        all_gone(&held);
    }
}

#[test]
fn a_shared_server_ends_with_its_process() {
    let (mut owner, held) = owner("shared", 1);
    assert!(lives(held[0].0));
    drop(owner.stdin.take());
    assert!(owner.wait().unwrap().success());
    all_gone(&held);
}

#[test]
fn a_dropped_server_has_ended_at_once() {
    let server = Server::start(&Options::default()).unwrap();
    let (pid, folder) = (server.pid().unwrap(), server.dir().to_owned());
    assert!(lives(pid) && folder.exists());
    drop(server);
    assert!(!lives(pid) && !folder.exists());
}
