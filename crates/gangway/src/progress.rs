//! Bars on a terminal; elsewhere nothing until the end.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Whether somebody watches standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Where bars are drawn.
pub(crate) fn bars() -> MultiProgress {
    let target = if is_watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    MultiProgress::with_draw_target(target)
}

/// A bar for bytes of a file, as rows are counted only when they are read.
pub(crate) fn import(bars: &MultiProgress, bytes: u64) -> ProgressBar {
    styled(bars, bytes, "  import {bar:32} {percent:>3}%  eta {eta:<5} {msg}")
}

/// A bar for onboardings on their way.
pub(crate) fn work(bars: &MultiProgress, onboardings: u64) -> ProgressBar {
    styled(bars, onboardings, "  aboard {bar:32} {pos}/{len}  eta {eta:<5} {msg}")
}

fn styled(bars: &MultiProgress, length: u64, template: &str) -> ProgressBar {
    let bar = bars.add(ProgressBar::new(length));
    // A template is a constant: one that does not parse would show in the first run of any test.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// So many in that time, as a text: `1,234/s`.
pub(crate) fn rate(count: u64, elapsed: Duration) -> String {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    format!("{}/s", crate::output::table::number(count.saturating_mul(1_000) / millis))
}
