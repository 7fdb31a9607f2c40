//! Where a row ends: the bound on its length, and the way back after a quote that nobody closed.
//!
//! Rows are told apart here; what is in a row is left to the grammar of `csv-core`. A row is looked at whole, within a
//! window of the bound's size, so nothing depends on how the input arrives in pieces, and nothing longer is ever held.
//!
//! **A quote left open** would swallow the rows behind it. It is noticed when a cell that spans lines is closed by a
//! quote that some text follows (that quote meant to open), or never, within the bound. Then only the line that
//! opened it is refused, and reading goes on with the next line. Up to where the cell had been followed, no other cell
//! may span lines: so each byte is looked at a fixed number of times, whatever the file holds.

use std::io::{self, Read};

use memchr::{memchr2, memchr3};

use super::window::Window;

const QUOTE: u8 = b'"';

/// A row, found but not yet taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The physical line where it begins, from 1.
    pub(super) line: u64,
    /// Its bytes, at the front of the window; those visible, if it is too long.
    pub(super) length: usize,
    /// What was found.
    pub(super) shape: Shape,
}

/// What kind of row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A whole row.
    Whole,
    /// The line opens a quote that is never closed.
    Unclosed,
    /// Longer than the bound.
    TooLong,
}

/// Walks from row to row.
pub(super) struct Splitter<R> {
    window: Window<R>,
    delimiter: u8,
    limit: usize,
    /// The line at the front of the window.
    line: u64,
    /// How many bytes ahead were already followed as the inside of a cell that was never closed.
    doubtful: usize,
    /// What the last row leaves to be consumed.
    taken: Option<Scan>,
}

impl<R: Read> Splitter<R> {
    /// How much of the window one look may need: the bound, one more byte to see it passed, one for a CRLF.
    pub(super) const fn reach(limit: usize) -> usize {
        limit.saturating_add(2)
    }

    pub(super) fn new(window: Window<R>, limit: usize) -> Self {
        Self { window, delimiter: b',', limit, line: 1, doubtful: 0, taken: None }
    }

    pub(super) fn set_delimiter(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
    }

    /// The bytes ahead, at the start of the next row.
    pub(super) fn peek(&mut self) -> io::Result<&[u8]> {
        self.leave_row()?;
        self.skip_blank_lines()?;
        Ok(self.window.bytes())
    }

    /// Finds the next row; blank lines are none.
    pub(super) fn next(&mut self) -> io::Result<Option<Span>> {
        self.leave_row()?;
        self.skip_blank_lines()?;
        if self.window.bytes().is_empty() {
            return Ok(None);
        }
        let scan = scan(self.window.bytes(), self.delimiter, self.limit, self.doubtful);
        self.taken = Some(scan);
        Ok(Some(Span { line: self.line, length: scan.length, shape: scan.shape }))
    }

    /// The first bytes of the row found last.
    pub(super) fn bytes(&self, length: usize) -> &[u8] {
        &self.window.bytes()[..length]
    }

    fn leave_row(&mut self) -> io::Result<()> {
        let Some(scan) = self.taken.take() else { return Ok(()) };
        self.doubtful = self.doubtful.max(scan.doubtful);
        self.consume(scan.next);
        self.line += scan.lines;
        if scan.shape == Shape::TooLong { self.skip_line() } else { Ok(()) }
    }

    /// Drops the rest of the line without holding it.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            self.window.fill(Self::reach(self.limit))?;
            let bytes = self.window.bytes();
            if bytes.is_empty() {
                return Ok(());
            }
            match memchr2(b'\r', b'\n', bytes) {
                // The line break itself is taken for a blank line.
                Some(at) => {
                    self.consume(at);
                    return Ok(());
                }
                None => self.consume(bytes.len()),
            }
        }
    }

    fn skip_blank_lines(&mut self) -> io::Result<()> {
        loop {
            self.window.fill(Self::reach(self.limit))?;
            match line_break(self.window.bytes(), 0) {
                0 => return Ok(()),
                length => self.consume(length),
            }
            self.line += 1;
        }
    }

    fn consume(&mut self, length: usize) {
        self.window.consume(length);
        self.doubtful = self.doubtful.saturating_sub(length);
    }
}

/// What one look tells.
#[derive(Clone, Copy, Debug)]
struct Scan {
    shape: Shape,
    /// The row's bytes.
    length: usize,
    /// Where the next row starts, or where the skipping begins.
    next: usize,
    /// Line breaks up to there.
    lines: u64,
    /// How far no cell may span lines.
    doubtful: usize,
}

impl Scan {
    fn whole(bytes: &[u8], length: usize, breaks: u64) -> Self {
        let end = line_break(bytes, length);
        let lines = breaks + u64::from(end > 0);
        Self { shape: Shape::Whole, length, next: length + end, lines, doubtful: 0 }
    }

    fn unclosed(bytes: &[u8], line_end: usize, doubtful: usize) -> Self {
        Self { shape: Shape::Unclosed, doubtful, ..Self::whole(bytes, line_end, 0) }
    }

    fn too_long(seen: usize) -> Self {
        Self { shape: Shape::TooLong, length: seen, next: seen, lines: 0, doubtful: 0 }
    }
}

/// Finds the end of the row at the front of `bytes`: all that is left, or at least two bytes more than `limit`.
fn scan(bytes: &[u8], delimiter: u8, limit: usize, doubtful: usize) -> Scan {
    let view = &bytes[..bytes.len().min(limit + 1)];
    match memchr3(b'\r', b'\n', QUOTE, view) {
        Some(at) if view[at] == QUOTE => scan_quoted(bytes, view, delimiter, limit, doubtful),
        Some(at) => Scan::whole(bytes, at, 0),
        None if view.len() > limit => Scan::too_long(view.len()),
        None => Scan::whole(bytes, view.len(), 0),
    }
}

/// The inside of which cell the scan is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Plain,
    Quoted { spans_lines: bool },
}

fn scan_quoted(bytes: &[u8], view: &[u8], delimiter: u8, limit: usize, doubtful: usize) -> Scan {
    let mut at = 0;
    let mut breaks = 0;
    let mut first_line_end = None;
    let mut line_start = 0;
    let mut inside = enter(view, &mut at);
    loop {
        let stop = match inside {
            Inside::Plain => memchr3(delimiter, b'\r', b'\n', &view[at..]),
            Inside::Quoted { .. } => memchr3(QUOTE, b'\r', b'\n', &view[at..]),
        };
        let Some(stop) = stop.map(|offset| at + offset) else { break };
        at = stop + 1;
        match (inside, view[stop]) {
            (Inside::Plain, byte) if byte == delimiter => inside = enter(view, &mut at),
            (Inside::Plain, _) => return Scan::whole(bytes, stop, breaks),
            (Inside::Quoted { spans_lines }, QUOTE) => match bytes.get(at) {
                Some(&QUOTE) => at += 1,
                // As `csv-core` has it, text after a closing quote is still of the cell; but not lines further down.
                Some(byte) if spans_lines && !ends_cell(*byte, delimiter) => {
                    return Scan::unclosed(bytes, first_line_end.unwrap_or(stop), line_start);
                }
                _ => inside = Inside::Plain,
            },
            (Inside::Quoted { .. }, _) => {
                if stop < doubtful {
                    return Scan::unclosed(bytes, first_line_end.unwrap_or(stop), 0);
                }
                first_line_end.get_or_insert(stop);
                at = stop + line_break(bytes, stop);
                (line_start, breaks) = (at, breaks + 1);
                inside = Inside::Quoted { spans_lines: true };
            }
        }
        at = at.min(view.len());
    }
    // The view gave out before the row did: at the end of the file, or at the bound.
    let at_end = view.len() <= limit;
    match (inside, first_line_end) {
        (Inside::Plain, _) if at_end => Scan::whole(bytes, view.len(), breaks),
        // Sooner a quote left open than a row that long: if it was one, its lines are refused one by one.
        (_, Some(line_end)) => Scan::unclosed(bytes, line_end, view.len()),
        (Inside::Quoted { .. }, None) if at_end => Scan::unclosed(bytes, view.len(), view.len()),
        (_, None) => Scan::too_long(view.len()),
    }
}

/// A quote opens a cell only as its first byte.
fn enter(view: &[u8], at: &mut usize) -> Inside {
    if view.get(*at) == Some(&QUOTE) {
        *at += 1;
        Inside::Quoted { spans_lines: false }
    } else {
        Inside::Plain
    }
}

fn ends_cell(byte: u8, delimiter: u8) -> bool {
    byte == delimiter || matches!(byte, b'\r' | b'\n')
}

/// The length of the line break at that place: LF, CR, or both.
fn line_break(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'\n') => 1,
        Some(b'\r') => 1 + usize::from(bytes.get(at + 1) == Some(&b'\n')),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of these lines leaves a quote open, whether it begins inside of one or not.
    #[test]
    fn what_was_followed_once_as_one_cell_is_not_followed_again() {
        let limit = 256;
        let input = "x\",\"y\n".repeat(200);
        let source = super::super::source::Source::open(input.as_bytes(), None).unwrap();
        let mut splitter = Splitter::new(Window::new(source, 2 * limit), limit);
        let first = splitter.next().unwrap().unwrap();
        assert_eq!((first.length, first.shape), (5, Shape::Unclosed));
        for line in 2..=40 {
            let next = splitter.next().unwrap().unwrap();
            assert_eq!((next.line, next.length, next.shape), (line, 5, Shape::Unclosed));
            let left = usize::try_from(line).unwrap() * 6;
            assert!(splitter.doubtful + left >= limit, "line {line} was followed to the bound again");
            assert!(splitter.doubtful <= limit + 1 - (left - 6), "line {line} made more doubtful");
        }
    }
}
