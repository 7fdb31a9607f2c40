//! Appends the simplest parts of a stored form; [`super::reader`] is its mirror.

use gangway_jobs::clock::Timestamp;

/// Appends to the bytes of one stored form.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// What times are told from: near to all of them, so that they are short.
    origin: Timestamp,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>, origin: Timestamp) -> Self {
        Self { out, origin }
    }

    pub(super) const fn origin(&self) -> Timestamp {
        self.origin
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// Bytes whose number the reader knows.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// LEB128: seven bits a byte, the lowest first; the top bit says that more follow.
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.out.push(number.to_le_bytes()[0]);
    }

    /// Zigzag: small numbers of either sign are short.
    pub(super) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    /// The distance from the origin. Wraps, and so does the way back: every pair of times has one.
    pub(super) fn time(&mut self, at: Timestamp) {
        self.time_since(at, self.origin);
    }

    /// The distance from another time that the reader knows.
    pub(super) fn time_since(&mut self, at: Timestamp, earlier: Timestamp) {
        self.signed(at.as_millis().wrapping_sub(earlier.as_millis()));
    }

    pub(super) fn length(&mut self, length: usize) {
        // No machine has a wider usize.
        self.number(length as u64);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.length(text.len());
        self.raw(text.as_bytes());
    }
}
