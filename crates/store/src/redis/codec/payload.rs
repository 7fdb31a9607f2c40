//! The input of a job. That of a poll, and that of a link, has but one spelling and is told by a form; any other is kept
//! as its text.

use uuid::Uuid;

use super::Unreadable;
use super::names::{plain_uuid, read_uuid, write_uuid};
use super::reader::Reader;
use super::timeline::{plain_number, push_number};
use super::writer::Writer;

/// That of a poll.
const NOTHING: &str = r#"{"v":1}"#;

/// Around the two fields of a link.
const BEFORE_ORDINAL: &str = r#"{"v":1,"ordinal":"#;
const BEFORE_KEY: &str = r#","key":""#;
const AFTER_KEY: &str = r#""}"#;

/// How a payload is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// Form 0: as it is.
    Text(&'a str),
    /// Form 1: nothing but the version.
    Nothing,
    /// Form 2: a link.
    Link {
        /// Its number.
        ordinal: u32,
        /// Its key.
        key: Uuid,
    },
}

impl<'a> Form<'a> {
    /// The shortest form that comes back to the letter.
    pub(super) fn of(payload: &'a str) -> Self {
        if payload == NOTHING { Self::Nothing } else { Self::link(payload).unwrap_or(Self::Text(payload)) }
    }

    fn link(payload: &str) -> Option<Self> {
        let fields = payload.strip_prefix(BEFORE_ORDINAL)?.strip_suffix(AFTER_KEY)?;
        let (ordinal, key) = fields.split_once(BEFORE_KEY)?;
        Some(Self::Link { ordinal: plain_number(ordinal)?, key: plain_uuid(key)? })
    }

    /// Its number; three bits.
    pub(super) const fn code(&self) -> u8 {
        match self {
            Self::Text(_) => 0,
            Self::Nothing => 1,
            Self::Link { .. } => 2,
        }
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Text(payload) => writer.text(payload),
            Self::Nothing => {}
            Self::Link { ordinal, key } => {
                writer.number(u64::from(*ordinal));
                write_uuid(key, writer);
            }
        }
    }

    pub(super) fn read(code: u8, reader: &mut Reader<'a>) -> Result<Self, Unreadable> {
        match code {
            0 => reader.text("a payload").map(Self::Text),
            1 => Ok(Self::Nothing),
            2 => Ok(Self::Link {
                ordinal: reader.small("the number of a link")?,
                key: read_uuid(reader, "the key of a link")?,
            }),
            _ => Err(reader.damaged("a payload's form")),
        }
    }

    /// The payload.
    pub(super) fn spell(&self) -> String {
        match self {
            Self::Text(payload) => (*payload).to_owned(),
            Self::Nothing => NOTHING.to_owned(),
            Self::Link { ordinal, key } => spell_link(*ordinal, key),
        }
    }
}

fn spell_link(ordinal: u32, key: &Uuid) -> String {
    let mut payload = String::with_capacity(80);
    payload.push_str(BEFORE_ORDINAL);
    push_number(&mut payload, ordinal);
    payload.push_str(BEFORE_KEY);
    payload.push_str(key.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    payload.push_str(AFTER_KEY);
    payload
}

#[cfg(test)]
mod tests {
    use gangway_jobs::payload::{CreateLink, Payload, PollStatus};

    use super::*;

    const KEY: Uuid = Uuid::from_u128(0x0b9f_5a52_3c1d_4c6e_9a57_2f6d_1f0c_8e11);

    #[test]
    fn what_polls_and_links_write_is_told_by_a_form() {
        let poll = Payload::PollStatus(PollStatus::default()).encode();
        assert_eq!(Form::of(&poll), Form::Nothing);
        assert_eq!(Form::Nothing.spell(), poll);
        for ordinal in [0, 1, 10, 4_294_967_295] {
            let link = Payload::CreateLink(CreateLink { ordinal, key: KEY }).encode();
            assert_eq!(Form::of(&link), Form::Link { ordinal, key: KEY });
            assert_eq!(Form::of(&link).spell(), link);
        }
    }

    #[test]
    fn any_other_spelling_stays_a_text() {
        let key = KEY.to_string();
        for text in [
            String::new(),
            r#"{"v":2}"#.to_owned(),
            r#"{ "v":1}"#.to_owned(),
            format!(r#"{{"v":1,"ordinal":01,"key":"{key}"}}"#),
            format!(r#"{{"v":1,"ordinal":4294967296,"key":"{key}"}}"#),
            format!(r#"{{"v":1,"ordinal":1,"key":"{}"}}"#, key.to_uppercase()),
            format!(r#"{{"v":1,"ordinal":1,"key":"{key}","more":1}}"#),
            format!(r#"{{"v":1,"ordinal":1,"key":"{key} "}}"#),
            format!(r#"{{"v":1,"ordinal": 1,"key":"{key}"}}"#),
            format!(r#"{{"v":1,"key":"{key}","ordinal":1}}"#),
            format!(r#"{{"v":1,"ordinal":1,"key":"{key}"}} "#),
            r#"{"v":1,"ordinal":1,"key":""}"#.to_owned(),
            r#"{"v":1,"ordinal":"}"#.to_owned(),
        ] {
            assert_eq!(Form::of(&text), Form::Text(&text));
        }
    }
}
