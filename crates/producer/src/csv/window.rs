//! The bytes ahead: a buffer of fixed size over the source, so that a row can be looked at whole before it is taken.

use std::io::{self, Read};

use super::source::Source;

/// What the source needs for one character, generously.
const ROOM: usize = 64;

/// The bytes from the current place on.
pub(super) struct Window<R> {
    source: Source<R>,
    /// `buffer[start..end]` is what lies ahead.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    ended: bool,
}

impl<R: Read> Window<R> {
    /// A window that can show `most` bytes at once.
    pub(super) fn new(source: Source<R>, most: usize) -> Self {
        // Four times as many, so that of three bytes read at most one is moved to the front.
        let buffer = vec![0; most.max(16 * 1024).saturating_mul(4)].into_boxed_slice();
        Self { source, buffer, start: 0, end: 0, ended: false }
    }

    /// Makes `wanted` bytes visible, or all that are left.
    pub(super) fn fill(&mut self, wanted: usize) -> io::Result<()> {
        if self.end - self.start >= wanted || self.ended {
            return Ok(());
        }
        // Moved only when there is no room behind, so that small reads do not each move the whole window.
        if self.buffer.len() - self.start < wanted + ROOM {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        while self.end - self.start < wanted && !self.ended {
            let length = self.source.read(&mut self.buffer[self.end..])?;
            self.end += length;
            self.ended = length == 0;
        }
        Ok(())
    }

    /// What is visible.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Goes on by `length` of the visible bytes.
    pub(super) fn consume(&mut self, length: usize) {
        self.start = (self.start + length).min(self.end);
    }
}
