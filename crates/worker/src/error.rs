//! What can end a worker.

/// A worker could not run, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong.
    #[error("{0}")]
    Config(String),
    /// The store failed in a way that waiting does not mend.
    #[error("the store failed while the worker tried to {action}")]
    Store {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: gangway_store::Error,
    },
    /// The store did not answer until the grace time was over; what was not written runs again when its lease has run out.
    #[error(
        "the store did not take the last {0} results in time; their jobs run again when the leases have run out"
    )]
    Unsettled(usize),
    /// All that the store holds has reached the goal, but it lost some while the worker ran: its server came back without
    /// its data, or another one took over that had not received them.
    #[error("the store lost {lost} onboardings while the worker ran; all that it holds now, {left}, is done")]
    Forgotten {
        /// By how many they became fewer.
        lost: u64,
        /// How many there were at the last look.
        left: u64,
    },
    /// The monitor ended with an error; no lease is lost, they run out and are taken back.
    #[error("the workers ended early: {0}")]
    Monitor(String),
}
