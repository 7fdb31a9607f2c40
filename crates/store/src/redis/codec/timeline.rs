//! The timeline: for each entry, the time since the one before and a code of what happened.
//!
//! | code | what | followed by |
//! |---|---|---|
//! | 0 | anything else | a text |
//! | 1–11 | a stage, see [`words::stage_code`] | |
//! | 12 | `next generation of the key` | |
//! | 13, 14 | `link 1`, `round 1` | the number |
//! | 32 + n | `kyb APPROVED`, see [`words::status_code`] | |

use gangway_jobs::onboarding::{Entry, Stage};

use super::reader::Reader;
use super::writer::Writer;
use super::{Unreadable, words};

const TEXT: u8 = 0;
const NEXT_GENERATION: u8 = 12;
const LINK: u8 = 13;
const ROUND: u8 = 14;
const KYB: u8 = 32;

const NEXT_GENERATION_TEXT: &str = "next generation of the key";
const LINK_PREFIX: &str = "link ";
const ROUND_PREFIX: &str = "round ";
const KYB_PREFIX: &str = "kyb ";

/// Of an entry: a time and a code.
const LEAST_BYTES: usize = 2;

pub(super) fn write(timeline: &[Entry], writer: &mut Writer<'_>) {
    writer.length(timeline.len());
    let mut before = writer.origin();
    for entry in timeline {
        writer.time_since(entry.at, before);
        write_what(&entry.what, writer);
        before = entry.at;
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Vec<Entry>, Unreadable> {
    let count = reader.count(LEAST_BYTES, "a timeline")?;
    let mut timeline = Vec::with_capacity(count);
    let mut before = reader.origin();
    for _ in 0..count {
        before = reader.time_since(before, "the time of an entry")?;
        timeline.push(Entry { at: before, what: read_what(reader)? });
    }
    Ok(timeline)
}

fn write_what(what: &str, writer: &mut Writer<'_>) {
    let Some((code, number)) = code(what) else {
        writer.byte(TEXT);
        writer.text(what);
        return;
    };
    writer.byte(code);
    if let Some(number) = number {
        writer.number(u64::from(number));
    }
}

/// The code of a well-known text, with the number in it.
fn code(what: &str) -> Option<(u8, Option<u32>)> {
    if let Some(word) = what.strip_prefix(KYB_PREFIX) {
        words::status_code(word).map(|code| (KYB + code, None))
    } else if let Some(number) = what.strip_prefix(LINK_PREFIX) {
        plain_number(number).map(|number| (LINK, Some(number)))
    } else if let Some(number) = what.strip_prefix(ROUND_PREFIX) {
        plain_number(number).map(|number| (ROUND, Some(number)))
    } else if what == NEXT_GENERATION_TEXT {
        Some((NEXT_GENERATION, None))
    } else {
        Stage::parse(what).map(|stage| (words::stage_code(stage), None))
    }
}

fn read_what(reader: &mut Reader<'_>) -> Result<String, Unreadable> {
    match reader.byte("what happened")? {
        TEXT => reader.text("what happened").map(str::to_owned),
        NEXT_GENERATION => Ok(NEXT_GENERATION_TEXT.to_owned()),
        LINK => Ok(numbered(LINK_PREFIX, reader.small("the number of a link")?)),
        ROUND => Ok(numbered(ROUND_PREFIX, reader.small("the number of a round")?)),
        code => well_known(code).ok_or_else(|| reader.damaged("a code of what happened")),
    }
}

fn well_known(code: u8) -> Option<String> {
    match words::stage(code) {
        Some(stage) => Some(stage.as_str().to_owned()),
        None => words::status(code.checked_sub(KYB)?).map(|word| [KYB_PREFIX, word].concat()),
    }
}

/// The number that is spelt exactly so: no sign, no leading zero.
pub(super) fn plain_number(digits: &str) -> Option<u32> {
    let plain =
        digits.bytes().all(|digit| digit.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

fn numbered(prefix: &str, number: u32) -> String {
    // Ten digits at most.
    let mut text = String::with_capacity(prefix.len() + 10);
    text.push_str(prefix);
    push_number(&mut text, number);
    text
}

/// Spells a number, without the machinery of `format!`.
pub(super) fn push_number(text: &mut String, number: u32) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.extend(char::from_digit(number % 10, 10));
}

#[cfg(test)]
mod tests {
    use gangway_jobs::clock::Timestamp;

    use super::*;

    fn stored(what: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_what(what, &mut Writer::new(&mut bytes, Timestamp::default()));
        let mut reader = Reader::new(&bytes);
        assert_eq!(read_what(&mut reader).as_deref(), Ok(what));
        assert_eq!(reader.end(), Ok(()));
        bytes
    }

    #[test]
    fn well_known_texts_are_one_code() {
        for stage in Stage::ALL {
            assert_eq!(stored(stage.as_str()), [words::stage_code(stage)]);
        }
        assert_eq!(stored("next generation of the key"), [12]);
        assert_eq!(stored("link 1"), [13, 1]);
        assert_eq!(stored("link 4294967295").len(), 6);
        assert_eq!(stored("round 200"), [14, 200, 1]);
        assert_eq!(stored("kyb INIT"), [33]);
        assert_eq!(stored("kyb rejected"), [50]);
    }

    #[test]
    fn texts_that_nearly_are_well_known_stay_texts() {
        for text in [
            "",
            "Accepted",
            "accepted ",
            "link",
            "link ",
            "link 01",
            "link +1",
            "link -1",
            "link 4294967296",
            "round 1 ",
            "round ١",
            "kyb ",
            "kyb Init",
            "kyb FROZEN",
            "next generation",
            "link 00",
        ] {
            assert_eq!(stored(text).len(), text.len() + 2, "{text}");
        }
        assert_eq!(stored("link 0"), [13, 0]);
    }

    #[test]
    fn an_unknown_code_is_damage() {
        for code in (15..=32).chain(51..=u8::MAX) {
            assert!(read_what(&mut Reader::new(&[code])).is_err(), "{code}");
        }
    }
}
