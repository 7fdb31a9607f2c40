//! Broken files, each with customers of its own.

use std::io::{BufWriter, Write as _};

use gangway_producer::sample::{Planted, SampleOptions};

use crate::stories::accounts;
use crate::{Error, Result, World};

/// What is wrong with a whole file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Damage {
    /// A byte order mark, CRLF, a column that nobody asked for, with line breaks in its cells, and formulas in it.
    Marked,
    /// UTF-16, as a spreadsheet exports it.
    Utf16,
    /// A line without end in the middle.
    Endless {
        /// How long.
        bytes: u64,
    },
}

impl Damage {
    /// Its file.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Marked => "marked.csv",
            Self::Utf16 => "utf16.csv",
            Self::Endless { .. } => "endless.csv",
        }
    }

    /// What tells its customers from those of another file.
    fn letter(self) -> char {
        match self {
            Self::Marked => 'M',
            Self::Utf16 => 'U',
            Self::Endless { .. } => 'E',
        }
    }
}

/// Writes a file of good rows with that damage; appends the rows as they are to `people.csv`.
pub(super) fn write(world: &World, damage: Damage, customers: u64, seed: u64) -> Result<()> {
    let plain = people(world, damage.letter(), customers, seed)?;
    let path = world.path(damage.file());
    let io = |source| Error::Io { action: format!("write {}", path.display()), source };
    let mut file = BufWriter::new(std::fs::File::create(&path).map_err(io)?);
    match damage {
        Damage::Marked => file.write_all(&marked(&plain)),
        Damage::Utf16 => file.write_all(&utf16(&plain)),
        Damage::Endless { bytes } => endless(&mut file, &plain, bytes),
    }
    .and_then(|()| file.flush())
    .map_err(io)
}

/// Writes `planted.csv`: every kind of bad row, repeated and contradicting ones among good ones.
pub(super) fn write_planted(world: &World, customers: u64, seed: u64) -> Result<Planted> {
    let few = (customers / 10).max(20);
    let options = SampleOptions {
        faulty_rows: few,
        damaged_rows: (few / 5).max(4),
        duplicate_rows: few,
        conflict_rows: few,
        ..SampleOptions::clean(customers, seed)
    };
    let planted = accounts::write_sample(world, "planted.csv", &options)?;
    people(world, 'C', customers, seed)?;
    Ok(planted)
}

/// The text of a clean file whose references begin with that letter and whose addresses are of a domain of its own, but
/// for `C`, as whose the file was made.
fn people(world: &World, letter: char, customers: u64, seed: u64) -> Result<String> {
    let io = |source| Error::Io { action: "write the people of a broken file".to_owned(), source };
    accounts::write_sample(world, "clean.csv", &SampleOptions::clean(customers, seed))?;
    let mut text = std::fs::read_to_string(world.path("clean.csv")).map_err(io)?;
    if letter != 'C' {
        text = text.replace("\nC-", &format!("\n{letter}-")).replace('@', &format!("@{letter}."));
    }
    let mut all =
        std::fs::OpenOptions::new().create(true).append(true).open(world.path("people.csv")).map_err(io)?;
    all.write_all(text.as_bytes()).map_err(io)?;
    Ok(text)
}

/// One more column, which means nothing here: in it a cell may hold what it likes.
fn marked(plain: &str) -> Vec<u8> {
    let mut text = String::from("\u{feff}");
    for (row, line) in plain.lines().enumerate() {
        let note = match row {
            0 => "note",
            row if row % 3 == 0 => "\"first\r\nsecond, \"\"third\"\"\r\n\"",
            _ => "=cmd()",
        };
        text.push_str(line);
        text.push(',');
        text.push_str(note);
        text.push_str("\r\n");
    }
    text.into_bytes()
}

fn utf16(plain: &str) -> Vec<u8> {
    let with_mark = std::iter::once('\u{feff}').chain(plain.chars());
    let mut units = [0; 2];
    with_mark.flat_map(|sign| sign.encode_utf16(&mut units).to_vec()).flat_map(u16::to_le_bytes).collect()
}

/// The endless line stands behind half of the rows.
fn endless(file: &mut impl std::io::Write, plain: &str, bytes: u64) -> std::io::Result<()> {
    let lines: Vec<&str> = plain.lines().collect();
    let half = 1 + (lines.len() - 1) / 2;
    lines[..half].iter().try_for_each(|line| writeln!(file, "{line}"))?;
    let piece = vec![b'x'; 1 << 20];
    (0..bytes >> 20).try_for_each(|_piece| file.write_all(&piece))?;
    writeln!(file)?;
    lines[half..].iter().try_for_each(|line| writeln!(file, "{line}"))
}
