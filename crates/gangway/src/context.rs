//! What every command gets.

use indicatif::MultiProgress;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::output::Output;
use crate::settings::Settings;
use crate::shutdown;

/// What every command gets.
#[derive(Debug)]
pub(crate) struct Context {
    /// All settings, checked.
    pub(crate) settings: Settings,
    /// Where the answer goes.
    pub(crate) out: Output,
    /// Where bars are drawn, if anywhere.
    pub(crate) bars: MultiProgress,
    /// Cancelled by the first signal.
    pub(crate) stop: CancellationToken,
}

impl Context {
    /// Sets a command up. Must run inside the runtime.
    pub(crate) fn new(settings: Settings, out: Output, bars: MultiProgress) -> Result<Self> {
        Ok(Self { settings, out, bars, stop: shutdown::on_signals()? })
    }
}
