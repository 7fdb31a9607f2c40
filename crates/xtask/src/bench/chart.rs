//! `docs/benchmarks.svg`: no-op jobs a second, as bars that are readable on light and on dark pages.

use std::fmt::Write as _;

use super::numbers::number;
use super::peers::Peer;
use super::results::Results;

const LABELS: f64 = 230.0;
const BARS: f64 = 400.0;
const FIGURES: f64 = 80.0;
const LINE: f64 = 30.0;
const TOP: f64 = 44.0;

const STYLE: &str = "\
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .figure { font-variant-numeric: tabular-nums }
  .ours { fill: #1a7f64 }
  .peer { fill: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .ours { fill: #3fb68b }
    .peer { fill: #6e7681 }
  }
</style>
";

struct Bar {
    label: String,
    class: &'static str,
    figure: f64,
}

/// The picture.
pub(super) fn svg(results: &Results) -> String {
    let bars = bars(results);
    let width = LABELS + BARS + FIGURES;
    #[expect(clippy::cast_precision_loss, reason = "a few bars")]
    let height = LINE.mul_add(bars.len().max(1) as f64, TOP) + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"No-op jobs a second\">\n{STYLE}<text class=\"title\" x=\"10\" y=\"24\">No-op jobs a second, drained \
         from a backlog</text>\n"
    );
    let longest = bars.iter().map(|bar| bar.figure).reduce(f64::max);
    match longest.filter(|longest| *longest > 0.0) {
        Some(longest) => {
            let mut y = TOP;
            for bar in &bars {
                svg.push_str(&bar.draw(y, longest));
                y += LINE;
            }
        }
        None => svg.push_str("<text x=\"10\" y=\"60\">nothing was measured</text>\n"),
    }
    svg.push_str("</svg>\n");
    svg
}

/// Ours first, then the peers from the fastest.
fn bars(results: &Results) -> Vec<Bar> {
    let bar = |label: &str, class, name: &str, field: &str| {
        let figure = results.spread(name, field)?.median;
        Some(Bar { label: label.to_owned(), class, figure })
    };
    let ours = [
        ("Gangway, 2 processes", "drain-2"),
        ("Gangway, 1 process", "drain-1"),
        ("the bare store calls", "bare"),
        ("Gangway on SQLite", "embedded-drain"),
    ];
    let mut bars: Vec<Bar> =
        ours.into_iter().filter_map(|(label, name)| bar(label, "ours", name, "per_s")).collect();
    let mut peers: Vec<Bar> = Peer::ALL
        .into_iter()
        .filter_map(|peer| bar(peer.title(), "peer", peer.name(), "drain_per_s"))
        .collect();
    peers.sort_by(|one, other| other.figure.total_cmp(&one.figure));
    bars.append(&mut peers);
    bars
}

impl Bar {
    fn draw(&self, y: f64, longest: f64) -> String {
        let Self { label, class, figure } = self;
        let (length, middle) = (BARS * figure / longest, y + 15.0);
        let mut drawn = String::new();
        // Writing to a string does not fail.
        writeln!(drawn, "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{label}</text>", LABELS - 10.0)
            .unwrap_or_default();
        writeln!(
            drawn,
            "<rect class=\"{class}\" x=\"{LABELS}\" y=\"{y}\" width=\"{length:.1}\" height=\"20\" rx=\"3\"/>"
        )
        .unwrap_or_default();
        let beside = LABELS + length + 8.0;
        let text = number(*figure, 0);
        writeln!(drawn, "<text class=\"figure\" x=\"{beside:.1}\" y=\"{middle}\">{text}</text>")
            .unwrap_or_default();
        drawn
    }
}
