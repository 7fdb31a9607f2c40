//! The store for many workers on many machines: Redis or Valkey.
//!
//! What one step does to an onboarding is decided here, by the same pure functions that every store uses, on what was
//! read; one script then checks that nothing of it has changed meanwhile and writes all of it, or nothing (`commit`). So
//! there is one truth for all stores, and the server does little. A lease changes no onboarding: it lies beside it, in the
//! hash of leases, and is laid over what is read (`found`).
//!
//! | to read | file |
//! |---|---|
//! | all keys, and what lies under them | `keys` |
//! | one onboarding, and how it is stored | `onboarding`, `codec` |
//! | what was read, what changes, and how that becomes one write | `found`, `draft`, `desk` |
//! | the verbs | a file each, with its script in `lua/` |
//! | the way to the server | `link` |
//! | whether the server is fit for a store | [`survey`] |

mod change;
mod circuit;
mod codec;
mod config;
mod core;
mod desk;
mod draft;
mod enqueue;
mod extend;
mod found;
mod fresh;
mod imports;
mod intake;
mod keys;
mod lease;
mod life;
mod limits;
mod link;
mod look;
mod lua;
mod onboarding;
mod operations;
mod outbox;
mod portion;
mod prune;
mod reply;
mod scripts;
mod settle;
mod steer;
pub mod survey;
mod take_back;
mod time;
mod wake;
mod workers;
mod write;

use std::fmt;
use std::sync::Arc;

use gangway_jobs::clock::Clock;

pub use self::config::RedisConfig;
use self::core::Core;
use self::intake::Intake;
use self::lease::Leased;
use crate::{Mode, Policies, Result};

/// The Redis store.
pub struct RedisStore {
    core: Arc<Core>,
    /// Single customers gather here while others are on their way.
    intake: Arc<Intake>,
    /// What this process has leased, as it was read: its settle needs to read nothing.
    leased: Leased,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("core", &self.core).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Opens a store.
    ///
    /// # Errors
    /// The url cannot be read; the server does not answer; there is no store and the mode makes none; it was made for
    /// something else.
    pub async fn open(
        url: &str,
        config: &RedisConfig,
        mode: Mode,
        policies: Policies,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>> {
        let core = Arc::new(Core::open(url, config, &mode, policies, clock).await?);
        tokio::spawn(wake::listen(Arc::clone(&core.wake), Arc::downgrade(&core)));
        Ok(Arc::new(Self { core, intake: Arc::default(), leased: Leased::default() }))
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.core.close();
    }
}
