//! What stops a command: what happened, where, and what to do next. Printed once, in `main`.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use miette::Diagnostic;

use crate::settings;

/// The result of a part of a command.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// A command could not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] settings::Problem),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] gangway_store::Error),
    /// The store's server would lose jobs, or cannot work.
    #[error("the server at {place} is not fit for a store\n- {}", findings.join("\n- "))]
    Unfit {
        /// The server, without credentials.
        place: String,
        /// What is wrong, why that matters, and what mends it.
        findings: Vec<String>,
        /// Whether a person may accept all of it.
        may_be_accepted: bool,
    },
    /// The client could not be set up.
    #[error("the API's client could not be set up")]
    Client(#[source] gangway_onemoney::ConfigError),
    /// The file could not be imported.
    #[error("cannot import {}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<gangway_producer::Error>,
    },
    /// An argument on the command line cannot be read.
    #[error(transparent)]
    Argument(Box<gangway_producer::Error>),
    /// The worker could not go on.
    #[error("the worker ended early")]
    Worker(#[source] gangway_worker::Error),
    /// The simulator refused.
    #[error("the simulator cannot run")]
    Simulator(#[from] gangway_simulator::Error),
    /// A file could not be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Standard output is gone.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// Standard output is closed: the reader has seen enough.
    #[error("standard output was closed")]
    OutputClosed,
    /// The runtime could not be started.
    #[error("cannot {0}")]
    System(&'static str, #[source] io::Error),
    /// The folder of a demo holds something else.
    #[error("{} holds files that no demo made", path.display())]
    NotADemo {
        /// The folder.
        path: PathBuf,
    },
    /// The folder of a demo is in use.
    #[error("another demo is running in {}", path.display())]
    DemoBusy {
        /// The folder.
        path: PathBuf,
    },
    /// No such onboarding.
    #[error("no onboarding is known by that reference, onboarding id or customer id")]
    UnknownOnboarding,
    /// No such dead letter.
    #[error("no dead letter fits")]
    NothingDead,
    /// A command was told to stop before it was done.
    #[error("stopped before the end: {what}")]
    Stopped {
        /// How far it came, and what is safe.
        what: String,
        /// What to do.
        help: &'static str,
    },
    /// Something did not come in time.
    #[error("{what}")]
    TooLate {
        /// What was waited for.
        what: String,
        /// What to do.
        help: String,
    },
    /// Arguments that do not go together.
    #[error("{problem}")]
    Usage {
        /// What is wrong.
        problem: String,
        /// What would be right.
        help: String,
    },
}

impl Error {
    /// An output error, told apart from a reader that has seen enough.
    pub(crate) fn output(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe { Self::OutputClosed } else { Self::Output(source) }
    }

    /// Stopped, and nothing is lost.
    pub(crate) fn stopped(what: impl Into<String>) -> Self {
        Self::Stopped { what: what.into(), help: "run the same command again: it goes on where it stopped" }
    }

    /// A file could not be used.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { action, path: path.into(), source }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Settings(problem) => problem.help(),
            Self::Store(error) => return store_advice(error),
            Self::Unfit { may_be_accepted, .. } => unfit_advice(*may_be_accepted).to_owned(),
            Self::Client(_) => {
                "check the credential and the settings in [api]; `gangway config` prints them".into()
            }
            Self::Import { source, .. } | Self::Argument(source) => source.help(),
            Self::Worker(gangway_worker::Error::Forgotten { .. }) => {
                "import their files again, without what was erased or cancelled since: rows that are there are skipped, and \
                 no customer is made twice; then start the worker again"
                    .into()
            }
            Self::Worker(_) => "nothing is lost: mend the cause and start the worker again".into(),
            Self::Simulator(_) => "see `gangway simulate --help`".into(),
            Self::File { .. } => "check that the path is right and that this user may use it".into(),
            Self::Output(_) | Self::System(..) => "check the machine: disk space, limits, permissions".into(),
            Self::OutputClosed => return None,
            Self::NotADemo { .. } => "name another folder with --dir DIR, or an empty one".into(),
            Self::DemoBusy { .. } => "wait for it, or name another folder with --dir DIR".into(),
            Self::UnknownOnboarding => {
                "write the reference as the CSV file has it; one that was erased or pruned is no longer found"
                    .into()
            }
            Self::NothingDead => "`gangway dead list` shows what there is".into(),
            Self::Stopped { help, .. } => (*help).to_owned(),
            Self::TooLate { help, .. } | Self::Usage { help, .. } => help.clone(),
        })
    }
}

const fn unfit_advice(may_be_accepted: bool) -> &'static str {
    if may_be_accepted {
        "mend the server with the commands above; or set store.durability to \"best-effort\" \
         (GANGWAY__STORE__DURABILITY=best-effort): what the server loses must then be imported again"
    } else {
        "mend the server with the commands above; `gangway doctor` looks at it again"
    }
}

fn store_advice(error: &gangway_store::Error) -> Option<String> {
    use gangway_store::Error as Store;
    Some(match error {
        Store::Busy { .. } => "find out which process holds it, or raise store.busy_timeout".to_owned(),
        Store::Unavailable { .. } => {
            "see that the server runs and that store.url leads to it; nothing was lost, try again when it answers"
                .to_owned()
        }
        Store::OutOfMemory { .. } => "`gangway prune` makes room; what was accepted before is safe".to_owned(),
        Store::Redis { .. } => "`gangway doctor` says what the server does not allow".to_owned(),
        Store::Damaged { .. } => "nothing was changed; restore the store from a copy, or report this".to_owned(),
        Store::Sqlite { .. } | Store::Io { .. } => {
            "check disk space, permissions and that the file is on a local disk; what was accepted before is safe"
                .to_owned()
        }
        // These tell the remedy themselves.
        Store::UnsupportedUrl { .. }
        | Store::Setting { .. }
        | Store::Missing { .. }
        | Store::NotAStore { .. }
        | Store::Newer { .. }
        | Store::Mismatch { .. }
        | Store::Replaced { .. }
        | Store::Closed
        | Store::UnknownGroup { .. }
        | Store::BatchTooLarge { .. }
        | Store::PayloadTooLarge { .. } => return None,
    })
}

impl Diagnostic for Error {
    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.advice().map(|advice| Box::new(advice) as Box<dyn Display>)
    }
}
