//! A master, a replica, and sentinels that make the one the other when it fails.

use std::time::Duration;

use rand::RngExt as _;

use super::options::{self, Options, quoted};
use super::port::Port;
use super::server::{Role, Server};
use crate::{Error, Result, wait};

/// The name by which the sentinels know the master.
pub const MASTER_NAME: &str = "gangway";

/// A master that is silent for so long is taken for down. Longer than two looks at it, as a busy machine is late.
const DOWN_AFTER: Duration = Duration::from_millis(700);

/// How often a sentinel looks at a server, and connects to one. Five times this is how old its view of a replica may
/// be that shall take over, and while the master is down it renews that view each second: so not much less than this.
const LOOK: &str = "300";

/// The same while sentinels start.
const DOWN_AFTER_AT_FIRST: Duration = Duration::from_secs(2);

/// Everything here takes a few seconds at most.
const LIMIT: Duration = Duration::from_secs(30);

/// How long one of the servers may think before it counts as down.
const SHORT: Duration = Duration::from_millis(500);

/// Two servers, one of which follows the other, and sentinels over them.
#[derive(Debug)]
pub struct Sentinels {
    // Dropped first: nobody shall fail over while the rest is taken down.
    sentinels: Vec<Server>,
    servers: [Server; 2],
}

/// What a sentinel knows of another before it starts, so that they need not find each other, which takes seconds.
struct Seat {
    id: String,
    port: Port,
}

impl Sentinels {
    /// Starts `count` sentinels, of which more than half must agree, over a master and a replica with these options.
    ///
    /// # Errors
    /// Something does not come up.
    pub fn start(count: usize, options: &Options) -> Result<Self> {
        let master = Server::start(options)?;
        let replica = Server::start(&Options { replica_of: Some(master.port()), ..options.clone() })?;
        wait::until("the replica's link to its master", LIMIT, || {
            Ok((replica.info("master_link_status")? == "up").then_some(()))
        })?;
        let servers = [master, replica];
        let seats: Vec<Seat> = (0..count).map(|_| Seat::new()).collect::<Result<_>>()?;
        let files: Vec<Vec<(&str, String)>> =
            seats.iter().map(|own| file(own, &seats, &servers, options)).collect();
        let sentinels = seats
            .into_iter()
            .zip(files)
            .map(|(seat, lines)| {
                Server::set_up(Role::Sentinel, seat.port, None, Vec::new(), |_, _| options::render(&lines))
            })
            .collect::<Result<Vec<_>>>()?;
        let started = Self { sentinels, servers };
        started.hurry()?;
        started.wait_until_watched()?;
        started.wait_until_followed()?;
        Ok(started)
    }

    /// Asks the sentinels to look more often, so that a failover takes two seconds and not five, and only then to be
    /// impatient: by default they connect but once a second, and would take a new master for down before they had met
    /// it. Those before version 7 know no such command and take their time.
    fn hurry(&self) -> Result<()> {
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.pid().is_some()) {
            let periods =
                ["ping-period", LOOK, "ask-period", LOOK, "info-period", LOOK, "publish-period", LOOK];
            let words: Vec<&str> = ["SENTINEL", "DEBUG"].into_iter().chain(periods).collect();
            if sentinel.command(&words).is_ok() {
                let limit = DOWN_AFTER.as_millis().to_string();
                sentinel.command(&["SENTINEL", "SET", MASTER_NAME, "down-after-milliseconds", &limit])?;
            }
        }
        Ok(())
    }

    /// Each sentinel sees the master, its replica, and all the other sentinels.
    fn wait_until_watched(&self) -> Result<()> {
        let peers = i64::try_from(self.sentinels.len()).unwrap_or_default() - 1;
        wait::until("the sentinels' sight of all servers", LIMIT, || {
            for sentinel in &self.sentinels {
                let state = sentinel.command(&["SENTINEL", "MASTER", MASTER_NAME])?;
                let number = |name| state.field(name).and_then(super::Reply::integer);
                let flags = state.field("flags").map(super::Reply::text);
                let ready = sentinel.command(&["SENTINEL", "CKQUORUM", MASTER_NAME]).is_ok()
                    && replica_is_seen(sentinel)?;
                if !ready
                    || number("num-other-sentinels") != Some(peers)
                    || flags.as_deref() != Some("master")
                {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
    }

    /// `redis+sentinel://127.0.0.1:A,127.0.0.1:B,127.0.0.1:C/gangway`, with the servers' password if there is one.
    pub fn url(&self) -> String {
        let hosts: Vec<String> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect();
        format!("redis+sentinel://{}{}/{MASTER_NAME}", self.servers[0].login(), hosts.join(","))
    }

    /// The sentinels.
    pub fn sentinels(&self) -> &[Server] {
        &self.sentinels
    }

    /// The sentinels, to be hurt.
    pub fn sentinels_mut(&mut self) -> &mut [Server] {
        &mut self.sentinels
    }

    /// The two servers, the first master before its replica, whatever they are by now.
    pub fn servers(&self) -> &[Server; 2] {
        &self.servers
    }

    /// The two servers, to be hurt.
    pub fn servers_mut(&mut self) -> &mut [Server; 2] {
        &mut self.servers
    }

    /// The port of the master that most sentinels would name, if they agree.
    ///
    /// # Errors
    /// A running sentinel does not answer.
    pub fn master_port(&self) -> Result<Option<u16>> {
        let mut named = Vec::new();
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.pid().is_some()) {
            let address = sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME])?;
            named.push(address.items().get(1).and_then(super::Reply::integer));
        }
        let agreed = named.windows(2).all(|two| two[0] == two[1]);
        let port = named.first().copied().flatten().filter(|_| agreed);
        Ok(port.and_then(|port| u16::try_from(port).ok()))
    }

    /// The server that the sentinels name and that is a master by its own word.
    ///
    /// # Errors
    /// The sentinels do not answer, or there is none within half a minute.
    pub fn master(&mut self) -> Result<&mut Server> {
        let port = self.wait_for_failover()?;
        let master = self.servers.iter_mut().find(|server| server.port() == port);
        master.ok_or_else(|| Error::Broken(format!("the sentinels name port {port}, which is not ours")))
    }

    /// Kills the master and tells its port.
    ///
    /// # Errors
    /// There is none.
    pub fn kill_master(&mut self) -> Result<u16> {
        let master = self.master()?;
        master.kill()?;
        Ok(master.port())
    }

    /// Waits until all sentinels name a server that is up and is a master by its own word; tells its port.
    ///
    /// # Errors
    /// It does not come within half a minute.
    pub fn wait_for_failover(&self) -> Result<u16> {
        wait::until("a master that all sentinels agree on", LIMIT, || {
            let port = self.master_port()?;
            let named = self.servers.iter().find(|server| Some(server.port()) == port);
            Ok(named.filter(|server| is_master(server)).map(Server::port))
        })
    }

    /// Starts the servers that are down, and waits until the pair is whole again: a master, and a replica that follows.
    ///
    /// # Errors
    /// They do not come up.
    pub fn restore(&mut self) -> Result<()> {
        for server in self.servers.iter_mut().chain(&mut self.sentinels) {
            if server.pid().is_none() {
                server.restart()?;
            }
        }
        self.hurry()?;
        wait::until("the replica's return", LIMIT, || {
            let replicas = self.servers.iter().filter(|server| {
                server.info("role").is_ok_and(|role| role == "slave")
                    && server.info("master_link_status").is_ok_and(|status| status == "up")
            });
            Ok((replicas.count() == 1).then_some(()))
        })?;
        self.wait_until_watched()?;
        self.wait_until_followed()
    }

    /// The replica has what its master wrote until now. That their link is up does not tell: a master sends nothing on before
    /// the replica has said for the first time how far it is, up to a second later, and one that is made a master before
    /// that is empty.
    fn wait_until_followed(&self) -> Result<()> {
        let limit = SHORT / 4;
        wait::until("a replica that is as far as its master", LIMIT, || {
            let Some(master) = self.servers.iter().find(|server| is_master(server)) else { return Ok(None) };
            let mut open = master.connect_within(SHORT)?;
            // Something to be as far as: replicas are told of it, and it leaves nothing behind.
            open.command(&["PUBLISH", MASTER_NAME, "follow"])?;
            let as_far = open.command(&["WAIT", "1", &limit.as_millis().to_string()])?;
            Ok((as_far.integer() == Some(1)).then_some(()))
        })
    }
}

impl Seat {
    fn new() -> Result<Self> {
        let half = || rand::rng().random::<u128>();
        let id = format!("{:032x}{:08x}", half(), rand::rng().random::<u32>());
        Ok(Self { id, port: Port::reserve()? })
    }
}

/// The configuration of one sentinel.
fn file(own: &Seat, all: &[Seat], servers: &[Server; 2], options: &Options) -> Vec<(&'static str, String)> {
    let [master, replica] = servers.each_ref().map(Server::port);
    let quorum = all.len() / 2 + 1;
    let mut lines = vec![
        ("bind", "127.0.0.1".to_owned()),
        ("port", own.port.number().to_string()),
        ("sentinel", format!("myid {}", own.id)),
        ("sentinel", format!("monitor {MASTER_NAME} 127.0.0.1 {master} {quorum}")),
        ("sentinel", format!("down-after-milliseconds {MASTER_NAME} {}", DOWN_AFTER_AT_FIRST.as_millis())),
        ("sentinel", format!("failover-timeout {MASTER_NAME} 1500")),
        ("sentinel", format!("known-replica {MASTER_NAME} 127.0.0.1 {replica}")),
    ];
    for other in all.iter().filter(|other| other.id != own.id) {
        let (port, id) = (other.port.number(), &other.id);
        lines.push(("sentinel", format!("known-sentinel {MASTER_NAME} 127.0.0.1 {port} {id}")));
    }
    if let Some(password) = &options.requirepass {
        lines.push(("sentinel", format!("auth-pass {MASTER_NAME} {}", quoted(password))));
    }
    lines
}

/// The replica's state was read once: before that it cannot be made a master.
fn replica_is_seen(sentinel: &Server) -> Result<bool> {
    let replicas = sentinel.command(&["SENTINEL", "REPLICAS", MASTER_NAME])?;
    Ok(replicas.items().iter().any(|replica| {
        replica.field("master-link-status").is_some_and(|status| status.text() == "ok")
            && replica.field("flags").is_some_and(|flags| flags.text() == "slave")
    }))
}

/// By its own word, soon: one that hangs is none.
fn is_master(server: &Server) -> bool {
    let role = server.connect_within(SHORT).and_then(|mut open| open.command(&["ROLE"]));
    role.is_ok_and(|role| role.items().first().is_some_and(|role| role.text() == "master"))
}
