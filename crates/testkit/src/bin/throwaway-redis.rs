//! A Redis to try something on: `cargo run -p gangway-testkit --bin throwaway-redis [alone|shared|sentinels|cluster]`.
//!
//! Prints the url, then a line with process id and folder for each server; all of it is gone when stdin ends, or the
//! program does, however that comes.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use gangway_testkit::redis::{Cluster, Options, Sentinels, Server, shared};
use gangway_testkit::{Error, Result};

fn main() -> ExitCode {
    match hold_servers() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(std::io::stderr(), "throwaway-redis: {error}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

fn hold_servers() -> Result<()> {
    let options = Options::default();
    match std::env::args().nth(1).as_deref().unwrap_or("alone") {
        "alone" => {
            let server = Server::start(&options)?;
            hold(&server.url(), [&server])
        }
        // Never dropped: its end is that of the process.
        "shared" => hold(&shared()?.url(), [shared()?]),
        "sentinels" => {
            let all = Sentinels::start(3, &options)?;
            hold(&all.url(), all.servers().iter().chain(all.sentinels()))
        }
        "cluster" => {
            let cluster = Cluster::start(&options)?;
            hold(&cluster.url(), cluster.nodes())
        }
        other => Err(Error::Broken(format!("{other:?} is none of alone, shared, sentinels, cluster"))),
    }
}

fn hold<'server>(url: &str, servers: impl IntoIterator<Item = &'server Server>) -> Result<()> {
    let io = |source| Error::Io { action: "tell the url and wait for the end of stdin".to_owned(), source };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{url}").map_err(io)?;
    for server in servers {
        writeln!(out, "{} {}", server.pid().unwrap_or_default(), server.dir().display()).map_err(io)?;
    }
    out.flush().map_err(io)?;
    std::io::stdin().lock().read_to_end(&mut Vec::new()).map(drop).map_err(io)
}
