//! The input as UTF-8: the encoding is told by a byte order mark, by the pattern of NULs, or by the caller.

use std::io::{self, ErrorKind, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// What is looked at to tell the encoding.
const HEAD: usize = 64;
/// How much undecoded input is held.
const CHUNK: usize = 16 * 1024;
/// Stands for what could not be decoded. Never part of UTF-8, so the row that holds it is refused, and only that row.
const UNDECODABLE: u8 = 0xFF;

/// A reader of UTF-8. Bytes that are no UTF-8 pass as they are: which row they spoil is not known here.
pub(super) struct Source<R> {
    input: R,
    decoder: Option<Decoder>,
    /// Read but not yet passed on: `chunk[from..to]`.
    chunk: Box<[u8]>,
    from: usize,
    to: usize,
    ended: bool,
    /// The decoder has given its last.
    flushed: bool,
}

impl<R: Read> Source<R> {
    /// Reads the head. A byte order mark is stronger than `encoding`, which is stronger than a guess.
    pub(super) fn open(input: R, encoding: Option<&'static Encoding>) -> io::Result<Self> {
        let chunk = vec![0; CHUNK].into_boxed_slice();
        let mut source = Self { input, decoder: None, chunk, from: 0, to: 0, ended: false, flushed: false };
        while source.to < HEAD && !source.ended {
            source.read_chunk()?;
        }
        let head = &source.chunk[..source.to.min(HEAD)];
        let (encoding, mark) = match Encoding::for_bom(head) {
            Some((encoding, mark)) => (encoding, mark),
            None => (encoding.unwrap_or_else(|| guess(head)), 0),
        };
        source.from = mark;
        if encoding != UTF_8 {
            source.decoder = Some(encoding.new_decoder_without_bom_handling());
        }
        Ok(source)
    }

    /// Fills some of `out`, which must have room for a few characters. 0 is the end.
    pub(super) fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.decoder.is_none() {
            return self.pass_on(out);
        }
        loop {
            if self.from == self.to && !self.ended {
                (self.from, self.to) = (0, 0);
                self.read_chunk()?;
            }
            let written = self.decode(out);
            if written > 0 || self.flushed {
                return Ok(written);
            }
        }
    }

    fn pass_on(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.from == self.to {
            return if self.ended { Ok(0) } else { read_some(&mut self.input, out) };
        }
        let length = out.len().min(self.to - self.from);
        out[..length].copy_from_slice(&self.chunk[self.from..self.from + length]);
        self.from += length;
        Ok(length)
    }

    fn decode(&mut self, out: &mut [u8]) -> usize {
        let Some(decoder) = self.decoder.as_mut().filter(|_| !self.flushed) else { return 0 };
        // One byte is kept free, for the mark of what could not be decoded.
        let room = out.len() - 1;
        let input = &self.chunk[self.from..self.to];
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(input, &mut out[..room], self.ended);
        self.from += read;
        match result {
            DecoderResult::OutputFull => written,
            DecoderResult::InputEmpty => {
                self.flushed = self.ended;
                written
            }
            DecoderResult::Malformed(..) => {
                out[written] = UNDECODABLE;
                written + 1
            }
        }
    }

    fn read_chunk(&mut self) -> io::Result<()> {
        let length = read_some(&mut self.input, &mut self.chunk[self.to..])?;
        self.to += length;
        self.ended = length == 0;
        Ok(())
    }
}

fn read_some(input: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(out) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A header in the Latin script, as UTF-16, has a NUL as every other byte.
fn guess(head: &[u8]) -> &'static Encoding {
    let nuls = |at: usize| head.iter().skip(at).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (nuls(0), nuls(1), head.len() / 2);
    if pairs >= 4 && even == 0 && odd * 4 > pairs * 3 {
        UTF_16LE
    } else if pairs >= 4 && odd == 0 && even * 4 > pairs * 3 {
        UTF_16BE
    } else {
        UTF_8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(input: &[u8], encoding: Option<&'static Encoding>) -> Vec<u8> {
        let mut source = Source::open(input, encoding).unwrap();
        let (mut all, mut buffer) = (Vec::new(), [0; 16]);
        loop {
            match source.read(&mut buffer).unwrap() {
                0 => return all,
                length => all.extend_from_slice(&buffer[..length]),
            }
        }
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn every_encoding_comes_out_as_utf_8() {
        let text = "email,first name\nzoë@acme.example,Zoë 😀\n".repeat(2000);
        let marked = format!("\u{feff}{text}");
        for input in [
            text.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
            utf16(&text, u16::to_le_bytes),
            utf16(&text, u16::to_be_bytes),
        ] {
            assert!(decoded(&input, None) == text.as_bytes());
        }
        assert_eq!(decoded(b"Zo\xEB", Some(encoding_rs::WINDOWS_1252)), "Zoë".as_bytes());
    }

    #[test]
    fn what_cannot_be_decoded_leaves_a_byte_that_is_no_utf_8() {
        let mut input = utf16("\u{feff}ab", u16::to_le_bytes);
        input.extend([0x00, 0xD8]); // half a surrogate pair
        input.extend(utf16("cd", u16::to_le_bytes));
        input.push(b'x'); // half a unit
        assert_eq!(decoded(&input, None), b"ab\xFFcd\xFF");
        assert_eq!(decoded(b"", None), b"");
        assert_eq!(decoded(b"\xEF\xBB\xBF", None), b"");
    }
}
