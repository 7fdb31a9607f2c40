//! Reads the simplest parts of a stored form, and believes none of it; [`super::writer`] is its mirror.

use gangway_jobs::clock::Timestamp;

use super::Unreadable;

/// Reads the bytes of one stored form from the front. What each part is called is told where it is missing.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
    origin: Timestamp,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len(), origin: Timestamp::from_millis(0) }
    }

    /// What times are told from here on.
    pub(super) const fn set_origin(&mut self, origin: Timestamp) {
        self.origin = origin;
    }

    pub(super) const fn origin(&self) -> Timestamp {
        self.origin
    }

    /// An error that says how far it could be read.
    pub(super) const fn damaged(&self, what: &'static str) -> Unreadable {
        Unreadable::Damaged { at: self.length - self.rest.len(), what }
    }

    pub(super) fn byte(&mut self, what: &'static str) -> Result<u8, Unreadable> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(|| self.damaged(what))?;
        self.rest = rest;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Unreadable> {
        let (&array, rest) = self.rest.split_first_chunk().ok_or_else(|| self.damaged(what))?;
        self.rest = rest;
        Ok(array)
    }

    #[inline]
    pub(super) fn number(&mut self, what: &'static str) -> Result<u64, Unreadable> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte(what)?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(self.damaged(what));
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.damaged(what))
    }

    /// A number of at most 32 bits.
    pub(super) fn small(&mut self, what: &'static str) -> Result<u32, Unreadable> {
        let number = self.number(what)?;
        u32::try_from(number).map_err(|_too_large| self.damaged(what))
    }

    pub(super) fn signed(&mut self, what: &'static str) -> Result<i64, Unreadable> {
        let number = self.number(what)?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn time(&mut self, what: &'static str) -> Result<Timestamp, Unreadable> {
        self.time_since(self.origin, what)
    }

    pub(super) fn time_since(
        &mut self,
        earlier: Timestamp,
        what: &'static str,
    ) -> Result<Timestamp, Unreadable> {
        let distance = self.signed(what)?;
        Ok(Timestamp::from_millis(earlier.as_millis().wrapping_add(distance)))
    }

    /// How many parts of at least `least` bytes follow; never more than there are bytes for.
    pub(super) fn count(&mut self, least: usize, what: &'static str) -> Result<usize, Unreadable> {
        let number = self.number(what)?;
        usize::try_from(number)
            .ok()
            .filter(|count| *count <= self.rest.len() / least)
            .ok_or_else(|| self.damaged(what))
    }

    /// A text, not yet copied.
    pub(super) fn text(&mut self, what: &'static str) -> Result<&'a str, Unreadable> {
        let length = self.count(1, what)?;
        self.text_of(length, what)
    }

    /// A text whose length was read before.
    pub(super) fn text_of(&mut self, length: usize, what: &'static str) -> Result<&'a str, Unreadable> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.damaged(what))?;
        let text = std::str::from_utf8(bytes).map_err(|_not_utf8| self.damaged(what))?;
        self.rest = rest;
        Ok(text)
    }

    /// What `read` gives, if it is there at all.
    pub(super) fn optional<T>(
        &mut self,
        there: bool,
        read: impl FnOnce(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, Unreadable> {
        if there { read(self).map(Some) } else { Ok(None) }
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), Unreadable> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.damaged("the end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::writer::Writer;
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    #[test]
    fn numbers_of_every_size_come_back() {
        for number in (0..64).map(|bit| 1_u64 << bit).flat_map(|power| [power - 1, power, !power]) {
            let signed = number.cast_signed();
            let mut bytes = Vec::new();
            let mut writer = Writer::new(&mut bytes, START);
            writer.number(number);
            writer.signed(signed);
            writer.time(Timestamp::from_millis(signed));
            let mut reader = Reader::new(&bytes);
            reader.set_origin(START);
            assert_eq!(reader.number("a number"), Ok(number));
            assert_eq!(reader.signed("a number"), Ok(signed));
            assert_eq!(reader.time("a time"), Ok(Timestamp::from_millis(signed)));
            assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn a_number_beyond_64_bits_is_damage() {
        let damaged = |at| Err(Unreadable::Damaged { at, what: "a number" });
        let mut largest = [0xff; 10];
        largest[9] = 0x01;
        assert_eq!(Reader::new(&largest).number("a number"), Ok(u64::MAX));
        largest[9] = 0x02;
        assert_eq!(Reader::new(&largest).number("a number"), damaged(10));
        assert_eq!(Reader::new(&[0x80; 11]).number("a number"), damaged(10));
        assert_eq!(Reader::new(&[0x80; 3]).number("a number"), damaged(3));
        assert_eq!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).small("a number"),
            Err(Unreadable::Damaged { at: 5, what: "a number" }),
            "more than 32 bits"
        );
    }

    #[test]
    fn a_length_is_not_believed_before_there_are_as_many_bytes() {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes, START).number(u64::MAX);
        assert_eq!(Reader::new(&bytes).text("a text"), Err(Unreadable::Damaged { at: 10, what: "a text" }));
        assert_eq!(
            Reader::new(&[3, 1, 1, 1, 1, 1]).count(2, "parts"),
            Err(Unreadable::Damaged { at: 1, what: "parts" })
        );
        assert_eq!(Reader::new(&[2, 1, 1, 1, 1]).count(2, "parts"), Ok(2));
    }

    #[test]
    fn a_text_must_be_utf8() {
        assert_eq!(Reader::new(&[2, 0xc3, 0xa4]).text("a text"), Ok("ä"));
        assert_eq!(
            Reader::new(&[1, 0xc3]).text("a text"),
            Err(Unreadable::Damaged { at: 1, what: "a text" })
        );
    }
}
