//! From a url to what it names: one server, a master that sentinels know, a cluster.
//!
//! A message never quotes any part of a url: a password that is not percent-encoded can end up anywhere in it.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// One server: a host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// A name or an address; an IPv6 address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Who logs in.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.password.is_some() { "Login(with a password)" } else { "Login(none)" })
    }
}

/// Where the one server is that the store lies on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Node(Node),
    Socket(PathBuf),
    /// The master of that name: sentinels know where it is.
    Sentinel {
        sentinels: Vec<Node>,
        master: String,
        login: Login,
    },
    /// The owner of the store's slot: any node knows it.
    Cluster {
        seeds: Vec<Node>,
    },
}

/// A url, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) place: Place,
    pub(super) tls: bool,
    pub(super) login: Login,
    pub(super) database: u32,
}

/// Why a url cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The scheme is none of a Redis store.
    Scheme,
    /// The rest is wrong: what, in words.
    Form(String),
}

type Parsed<T> = std::result::Result<T, Unreadable>;

fn wrong<T>(what: impl Into<String>) -> Parsed<T> {
    Err(Unreadable::Form(what.into()))
}

impl Address {
    pub(super) fn parse(url: &str) -> Parsed<Self> {
        let (scheme, rest) = url.split_once(':').ok_or(Unreadable::Scheme)?;
        let tls = scheme.starts_with("rediss");
        match scheme {
            "redis" | "rediss" => Parts::split(rest)?.server(tls),
            "unix" | "redis+unix" => Parts::split(rest)?.socket(tls),
            "redis+sentinel" | "rediss+sentinel" => Parts::split(rest)?.sentinel(tls),
            "redis+cluster" | "rediss+cluster" => Parts::split(rest)?.cluster(tls),
            _ => Err(Unreadable::Scheme),
        }
    }
}

/// For messages: the same place, without credentials and parameters.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.tls { "s" } else { "" };
        match &self.place {
            Place::Node(node) => write!(f, "redis{s}://{node}"),
            Place::Socket(path) => write!(f, "unix://{}", path.display()),
            Place::Sentinel { sentinels, master, .. } => {
                write!(f, "redis{s}+sentinel://{}/{master}", list(sentinels))
            }
            Place::Cluster { seeds } => write!(f, "redis{s}+cluster://{}", list(seeds)),
        }?;
        match (self.database, &self.place) {
            (0, _) => Ok(()),
            (database, Place::Socket(_)) => write!(f, "?db={database}"),
            (database, Place::Node(_) | Place::Sentinel { .. } | Place::Cluster { .. }) => {
                write!(f, "/{database}")
            }
        }
    }
}

fn list(nodes: &[Node]) -> String {
    nodes.iter().map(Node::to_string).collect::<Vec<_>>().join(",")
}

/// The parts of a url after its scheme.
struct Parts<'a> {
    login: Login,
    hosts: &'a str,
    /// With its leading slash, if there is one.
    path: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl<'a> Parts<'a> {
    fn split(rest: &'a str) -> Parsed<Self> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", rest),
        };
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        if path.contains('@') || (query.contains('@') && !authority.contains('@')) || rest.contains('#') {
            return wrong(
                "cannot be read: the characters @ / ? # % of a user or password must be percent-encoded",
            );
        }
        Ok(Self { login: read_login(login)?, hosts, path, parameters: read_parameters(query)? })
    }

    fn server(self, tls: bool) -> Parsed<Address> {
        self.only(&[])?;
        let [node] = <[Node; 1]>::try_from(nodes(self.hosts, PORT)?).or_else(|_several| {
            wrong("names several servers; use redis+sentinel:// or redis+cluster:// for that")
        })?;
        let database = read_database(self.path.trim_matches('/'))?;
        Ok(Address { place: Place::Node(node), tls, login: self.login, database })
    }

    fn socket(self, tls: bool) -> Parsed<Address> {
        self.only(&["db", "user", "pass"])?;
        if !self.hosts.is_empty() || !self.path.starts_with('/') || self.path.len() < 2 {
            return wrong("names no socket; use unix:///PATH/TO/redis.sock");
        }
        let place = Place::Socket(PathBuf::from(decode(self.path)?));
        let database = read_database(&self.parameter("db").unwrap_or_default())?;
        // As other clients write it; where a socket's url has no host, a login before it looks odd.
        let user = either(self.login.user.clone(), self.parameter("user"))?;
        let password = either(self.login.password.clone(), self.parameter("pass"))?;
        Ok(Address { place, tls, login: Login { user, password }, database })
    }

    fn sentinel(self, tls: bool) -> Parsed<Address> {
        self.only(&["sentinel_user", "sentinel_password"])?;
        let sentinels = nodes(self.hosts, SENTINEL_PORT)?;
        let path = self.path.trim_matches('/');
        let (master, database) = path.split_once('/').unwrap_or((path, ""));
        if master.is_empty() {
            return wrong("names no master; use redis+sentinel://HOST:26379,HOST:26379/MASTER");
        }
        let login =
            Login { user: self.parameter("sentinel_user"), password: self.parameter("sentinel_password") };
        let place = Place::Sentinel { sentinels, master: decode(master)?, login };
        Ok(Address { place, tls, login: self.login, database: read_database(database)? })
    }

    fn cluster(self, tls: bool) -> Parsed<Address> {
        self.only(&[])?;
        if read_database(self.path.trim_matches('/'))? != 0 {
            return wrong("asks for a database of a cluster, which has only 0");
        }
        let place = Place::Cluster { seeds: nodes(self.hosts, PORT)? };
        Ok(Address { place, tls, login: self.login, database: 0 })
    }

    fn parameter(&self, name: &str) -> Option<String> {
        self.parameters.iter().find(|(found, _)| *found == name).map(|(_, value)| value.clone())
    }

    fn only(&self, known: &[&str]) -> Parsed<()> {
        if self.parameters.iter().all(|(name, _)| known.contains(name)) {
            return Ok(());
        }
        if known.is_empty() {
            return wrong("has a parameter after '?', but this form knows none");
        }
        wrong(format!("has an unknown parameter after '?'; known are {}", known.join(" and ")))
    }
}

/// What may be named in one of two places.
fn either(before: Option<String>, behind: Option<String>) -> Parsed<Option<String>> {
    if before.is_some() && behind.is_some() {
        return wrong("names the user or the password twice: before the path and after '?'");
    }
    Ok(before.or(behind))
}

fn read_login(text: &str) -> Parsed<Login> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(decode(password)?)),
        None => (text, None),
    };
    let user = if user.is_empty() { None } else { Some(decode(user)?) };
    Ok(Login { user, password })
}

fn read_parameters(query: &str) -> Parsed<Vec<(&str, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((name, decode(value)?))
        })
        .collect()
}

fn read_database(text: &str) -> Parsed<u32> {
    match text {
        "" => Ok(0),
        number => number.parse().or_else(|_not_one| wrong("names a database that is not a number, like 0")),
    }
}

fn nodes(hosts: &str, port: u16) -> Parsed<Vec<Node>> {
    hosts.split(',').map(|host| node(host, port)).collect()
}

fn node(text: &str, default: u16) -> Parsed<Node> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address, port.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return wrong("names no host");
    }
    let port = match port {
        None | Some("") => default,
        Some(number) => {
            number.parse().or_else(|_not_one| wrong("names a port that is not a number up to 65535"))?
        }
    };
    Ok(Node { host: decode(host)?, port })
}

fn decode(text: &str) -> Parsed<String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_not_text) => wrong("is percent-encoded, but not of UTF-8 text"),
    }
}
