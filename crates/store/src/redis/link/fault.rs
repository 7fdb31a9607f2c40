//! What an error of the client library means for the store.
//!
//! The server tells by the first word of an error what is wrong. Inside a script, older releases wrap the message in
//! another one, so the word is looked for there as well.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};

use super::url::Node;
use crate::Error;

/// A call or a connection has failed.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// Whether the connection is of no more use: broken, or to a node that is not (or no longer) the master.
    pub(super) connection_is_spent: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Nothing goes just now; why, in words.
    Away(String),
    /// It answers, but takes no writes just now; why, in words.
    Unwell(String),
    /// It is out of memory.
    Full,
    /// It would refuse again.
    Refused(RedisError),
}

/// What a first word means.
struct Meaning {
    word: &'static str,
    says: &'static str,
    takes_no_writes: bool,
    connection_is_spent: bool,
}

const fn away(word: &'static str, says: &'static str) -> Meaning {
    Meaning { word, says, takes_no_writes: false, connection_is_spent: false }
}

const fn elsewhere(word: &'static str, says: &'static str) -> Meaning {
    Meaning { word, says, takes_no_writes: false, connection_is_spent: true }
}

const fn unwell(word: &'static str, says: &'static str) -> Meaning {
    Meaning { word, says, takes_no_writes: true, connection_is_spent: false }
}

/// All that passes by itself, or as soon as somebody has looked after the server.
const PASSING: &[Meaning] = &[
    away("LOADING", "it is starting and still loads its data (LOADING)"),
    away("BUSY", "a script occupies it for too long (BUSY)"),
    away("NOSCRIPT", "it keeps forgetting its scripts (NOSCRIPT)"),
    unwell("MISCONF", "it cannot write to its disk (MISCONF); see its log and its free space"),
    unwell("NOREPLICAS", "it has fewer healthy replicas than min-replicas-to-write asks for (NOREPLICAS)"),
    Meaning {
        word: "READONLY",
        says: "it is a replica, or has become one, and takes no writes (READONLY)",
        takes_no_writes: true,
        connection_is_spent: true,
    },
    elsewhere("MASTERDOWN", "it is a replica that has lost its master (MASTERDOWN)"),
    elsewhere("UNBLOCKED", "it is no longer the master (UNBLOCKED)"),
    elsewhere("MOVED", "the cluster has moved the store to another node (MOVED)"),
    elsewhere("ASK", "the cluster is moving the store to another node (ASK)"),
    elsewhere("TRYAGAIN", "the cluster is moving the store to another node (TRYAGAIN)"),
    elsewhere("CLUSTERDOWN", "the cluster does not serve all of its slots (CLUSTERDOWN)"),
];

/// Comes without a word of its own.
const TOO_MANY_CLIENTS: &str = "max number of clients";

impl Fault {
    /// Nothing goes just now, and the next attempt begins with a new connection.
    pub(super) fn away(reason: impl Into<String>) -> Self {
        Self { kind: Kind::Away(reason.into()), connection_is_spent: true }
    }

    /// Whether waiting helps.
    pub(super) const fn is_passing(&self) -> bool {
        !matches!(self.kind, Kind::Refused(_))
    }

    /// Whether the log tells of it.
    pub(super) const fn is_outage(&self) -> bool {
        matches!(self.kind, Kind::Away(_) | Kind::Unwell(_))
    }

    /// The same, and which of several nodes it was.
    pub(super) fn at(self, node: &Node) -> Self {
        let kind = match self.kind {
            Kind::Away(reason) => Kind::Away(format!("{node}: {reason}")),
            Kind::Unwell(reason) => Kind::Unwell(format!("{node}: {reason}")),
            kind @ (Kind::Full | Kind::Refused(_)) => kind,
        };
        Self { kind, ..self }
    }

    /// Why, in words.
    pub(super) fn reason(&self) -> String {
        match &self.kind {
            Kind::Away(reason) | Kind::Unwell(reason) => reason.clone(),
            Kind::Full => "it is out of memory".to_owned(),
            Kind::Refused(error) => error.to_string(),
        }
    }

    pub(super) fn into_error(self, action: &'static str, place: &str) -> Error {
        let place = place.to_owned();
        match self.kind {
            Kind::Away(reason) | Kind::Unwell(reason) => Error::Unavailable { place, reason },
            Kind::Full => Error::OutOfMemory { place },
            Kind::Refused(source) => Error::Redis { action, place, source: Box::new(source) },
        }
    }
}

impl From<RedisError> for Fault {
    fn from(error: RedisError) -> Self {
        let (word, details) = first_word(&error);
        if word == "OOM" {
            return Self { kind: Kind::Full, connection_is_spent: false };
        }
        if let Some(meaning) = PASSING.iter().find(|meaning| meaning.word == word) {
            return Self::from(meaning);
        }
        if details.contains(TOO_MANY_CLIENTS) {
            return Self::away("it has as many clients as its maxclients allows");
        }
        if error.is_io_error() {
            return of_network(error);
        }
        // After a new password or a garbled answer only a new connection can be well again.
        let connection_is_spent =
            matches!(word.as_str(), "NOAUTH" | "WRONGPASS") || error.kind() == ErrorKind::Parse;
        Self { kind: Kind::Refused(error), connection_is_spent }
    }
}

impl From<&Meaning> for Fault {
    fn from(meaning: &Meaning) -> Self {
        let says = meaning.says.to_owned();
        let kind = if meaning.takes_no_writes { Kind::Unwell(says) } else { Kind::Away(says) };
        Self { kind, connection_is_spent: meaning.connection_is_spent }
    }
}

/// The word by which the server tells what is wrong, and the rest of its message. Of a pipeline: of its first error.
fn first_word(error: &RedisError) -> (String, String) {
    let Some(first) = error.clone().into_server_errors().and_then(|errors| errors.first().cloned()) else {
        return (String::new(), String::new());
    };
    let details = first.1.details().unwrap_or_default().to_owned();
    let word = Some(first.1.code()).filter(|word| *word != "ERR").or_else(|| word_within(&details));
    (word.unwrap_or("ERR").to_owned(), details)
}

/// The word in `Error running script (…): @user_script:1: @user_script: 1: -OOM command not allowed …`.
fn word_within(details: &str) -> Option<&str> {
    let (_, message) = details.split_once("user_script")?.1.split_once(": -")?;
    let word = message.split(' ').next()?;
    word.bytes().all(|c| c.is_ascii_uppercase()).then_some(word)
}

fn of_network(error: RedisError) -> Fault {
    match io_error(&error) {
        // A certificate that is not trusted will not be trusted by waiting.
        Some(io) if is_of_tls(io) => Fault { kind: Kind::Refused(error), connection_is_spent: true },
        Some(io) => Fault::away(words_of(io)),
        None => Fault::away(error.to_string()),
    }
}

fn is_of_tls(io: &io::Error) -> bool {
    matches!(io.get_ref(), Some(cause) if cause.is::<rustls::Error>())
}

fn words_of(io: &io::Error) -> String {
    const WORDS: &[(io::ErrorKind, &str)] = &[
        (io::ErrorKind::ConnectionRefused, "nothing listens there (connection refused)"),
        (io::ErrorKind::NotFound, "there is no such socket"),
        (io::ErrorKind::TimedOut, "it gave no answer in time"),
        (io::ErrorKind::BrokenPipe, "it closed the connection"),
        (io::ErrorKind::ConnectionReset, "it closed the connection"),
        (io::ErrorKind::ConnectionAborted, "it closed the connection"),
        (io::ErrorKind::UnexpectedEof, "it closed the connection"),
    ];
    let known = WORDS.iter().find(|(kind, _)| *kind == io.kind());
    known.map_or_else(|| io.to_string(), |(_, words)| (*words).to_owned())
}

/// The client library keeps it behind a shared pointer.
fn io_error(error: &RedisError) -> Option<&io::Error> {
    let source = error.source()?;
    let shared = source.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>()?;
    shared.downcast_ref()
}
