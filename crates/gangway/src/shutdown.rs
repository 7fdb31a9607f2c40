//! SIGTERM and Ctrl-C: the first asks for an orderly end, the second ends at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::output::complain;

/// The exit code of a process that was told twice.
const AT_ONCE: i32 = 130;

/// A token that the first signal cancels.
pub(crate) fn on_signals() -> Result<CancellationToken> {
    let token = CancellationToken::new();
    let listen = |kind| signal(kind).map_err(|source| Error::System("listen for signals", source));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let cancelled = token.clone();
    tokio::spawn(async move {
        for told in 1.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if told > 1 {
                #[expect(clippy::exit, reason = "told twice: nothing may hold the process up")]
                std::process::exit(AT_ONCE);
            }
            complain(
                "stopping: running work ends first; the same again stops at once, and loses nothing either",
            );
            cancelled.cancel();
        }
    });
    Ok(token)
}
