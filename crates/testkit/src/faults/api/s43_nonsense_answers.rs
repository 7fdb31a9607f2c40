//! 43: pages instead of JSON, answers that break off, endless ones, and a redirect to somebody else.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;

use super::ground::{all_well, broken, patient, struck};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::take_in;
use crate::stories::crew::Crew;
use crate::stories::memory;
use crate::{Error, Result, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s43_nonsense_answers",
    shows: "HTML with status 200, JSON that breaks off, bodies of 32 MB, redirects to another host: tried again, read up to a \
            limit, never followed, and nothing is sent elsewhere",
    in_short_set: true,
    tell,
};

/// A body far beyond `api.max_body`: a worker that read eight of them at once would be far larger than it may be.
const HUGE: usize = 32 << 20;

/// A worker needs about 30 MB, and one more for each answer that it reads up to the limit.
const MOST_KIB: u64 = 120 * 1024;

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    patient(&mut world);
    let elsewhere = Elsewhere::listen()?;
    let customers = stage.pick(200, 3_000);
    take_in(&world, customers, stage.seed)?;
    let rule = |fault, rate| json!({"fault": fault, "rate": rate});
    let away = json!({"kind": "redirect", "location": elsewhere.url()});
    let rules = [
        json!({"fault": {"kind": "huge_body", "bytes": HUGE}, "routes": ["create"], "times": 8}),
        rule(json!({"kind": "html_ok"}), 0.06),
        rule(json!({"kind": "truncated_json"}), 0.06),
        rule(away, 0.06),
        rule(json!({"kind": "huge_body", "bytes": 10 << 20}), 0.01),
    ];
    world.put("/_faults", &json!({"name": "nonsense", "rules": rules}))?;
    let mut crew = Crew::start(&world, 2, true)?;
    let peak_kib = peak(&mut crew)?;
    crew.finish(&world)?;
    let audit = all_well(&world, customers, 2)?.audit;
    let kinds = ["html_ok", "truncated_json", "redirect", "huge_body"];
    if let Some(never) = kinds.into_iter().find(|kind| struck(&audit, kind) == 0) {
        return Err(broken(format!("{never} never struck")));
    }
    same("connections to the other host", &elsewhere.connections()?, &0)?;
    if peak_kib > MOST_KIB {
        return Err(broken(format!("a worker took {peak_kib} KiB: it reads more of an answer than it may")));
    }
    let nonsense: u64 = kinds.into_iter().map(|kind| struck(&audit, kind)).sum();
    Ok(Told {
        customers,
        hurts: nonsense,
        recovery: None,
        result: format!(
            "{nonsense} such answers, no connection elsewhere, {} MB a worker at most",
            peak_kib / 1024
        ),
    })
}

/// The most memory that one of the workers takes until all have ended; read as it is told by the system.
fn peak(crew: &mut Crew) -> Result<u64> {
    let mut peak = 0;
    loop {
        let mut at_work = false;
        for worker in crew.workers() {
            at_work |= worker.ended()?.is_none();
            peak = peak.max(memory::peak_kib_of(worker.pid()).unwrap_or_default());
        }
        if !at_work {
            return if peak > 0 { Ok(peak) } else { Err(broken("the system tells no size of a worker")) };
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Another host, to which nobody may come.
struct Elsewhere(TcpListener);

impl Elsewhere {
    fn listen() -> Result<Self> {
        let io = |source| Error::Io { action: "listen".to_owned(), source };
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(io)?;
        listener.set_nonblocking(true).map_err(io)?;
        Ok(Self(listener))
    }

    fn url(&self) -> String {
        let port = self.0.local_addr().map_or(0, |address| address.port());
        format!("http://127.0.0.1:{port}/v1/customers/lightweight")
    }

    /// Those that wait to be accepted: whoever had come would stand there still.
    fn connections(&self) -> Result<u64> {
        let mut count = 0;
        loop {
            match self.0.accept() {
                Ok(_connection) => count += 1,
                Err(none) if none.kind() == ErrorKind::WouldBlock => return Ok(count),
                Err(source) => return Err(Error::Io { action: "accept".to_owned(), source }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_elsewhere_is_counted_also_if_it_has_gone_again() {
        let elsewhere = Elsewhere::listen().unwrap();
        assert_eq!(elsewhere.connections().unwrap(), 0);
        let address = elsewhere.0.local_addr().unwrap();
        drop(std::net::TcpStream::connect(address).unwrap());
        let _waiting = std::net::TcpStream::connect(address).unwrap();
        assert_eq!(elsewhere.connections().unwrap(), 2);
    }
}
