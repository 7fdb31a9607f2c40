//! What a network does to the bytes in it.

use std::time::Duration;

/// How a [`Proxy`](super::Proxy) treats its connections. By default it hands on all there is, at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conduct {
    /// Bytes arrive so much later, in each direction; a new connection costs a way there and back more.
    pub latency: Duration,
    /// Up to so much later still, by chance; bytes never overtake each other.
    pub jitter: Duration,
    /// The chance, from 0 to 1, that a chunk of bytes does not arrive and its connection is reset. A chunk is what was sent
    /// at once, up to 16 KiB.
    pub loss: f64,
    /// So many bytes a second go through each direction of a connection.
    pub bandwidth: Option<u64>,
    /// Half-open: connections are accepted and stay open, and nothing arrives. One that has lost bytes in this way stays
    /// dead, as a stream with a gap in it is nothing that a network delivers.
    pub swallows: bool,
    /// A partition under TCP: nothing arrives for now, neither bytes nor ends. What was sent meanwhile arrives afterwards, also
    /// if its sender has given up by then.
    pub holds: bool,
    /// Open connections are reset, and new ones at once.
    pub cut_off: bool,
}

impl Conduct {
    /// So slow, each way.
    pub fn slow(latency: Duration) -> Self {
        Self { latency, ..Self::default() }
    }

    /// See [`Conduct::swallows`].
    pub fn half_open() -> Self {
        Self { swallows: true, ..Self::default() }
    }

    /// See [`Conduct::holds`].
    pub fn partition() -> Self {
        Self { holds: true, ..Self::default() }
    }

    /// See [`Conduct::cut_off`].
    pub fn cut_off() -> Self {
        Self { cut_off: true, ..Self::default() }
    }

    /// How long the line is busy with so many bytes.
    pub(super) fn busy_with(&self, bytes: usize) -> Duration {
        let bandwidth = self.bandwidth.unwrap_or(u64::MAX).max(1);
        // A chunk is small, and nobody asks for a more exact line.
        Duration::from_micros(bytes as u64 * 1_000_000 / bandwidth)
    }

    /// How late the next chunk is.
    pub(super) fn delay(&self) -> Duration {
        self.latency + self.jitter.mul_f64(rand::random())
    }

    /// Whether the next chunk is the one that is lost.
    pub(super) fn loses(&self) -> bool {
        self.loss > 0.0 && rand::random::<f64>() < self.loss
    }
}
