//! What the API said of a KYB: both words are its own and come back to the letter.
//!
//! Status: its code, or 0 and a text. Updated at: 1 and the number of digits of the second, the seconds from those of the
//! origin, and the digits — or 0 and a text.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::kyb::KybStatus;
use gangway_jobs::onboarding::Kyb;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use super::moment::Moment;
use super::reader::Reader;
use super::writer::Writer;
use super::{Unreadable, words};

pub(super) fn write(kyb: &Kyb, writer: &mut Writer<'_>) {
    let word = kyb.status.as_str();
    let code = words::status_code(word);
    writer.byte(code.unwrap_or(0));
    if code.is_none() {
        writer.text(word);
    }
    write_moment(&kyb.updated_at, writer);
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Kyb, Unreadable> {
    let word = match reader.byte("a KYB status")? {
        0 => reader.text("a KYB status")?,
        code => words::status(code).ok_or_else(|| reader.damaged("a KYB status that is known"))?,
    };
    let status = as_written(word).map_err(|_never| reader.damaged("a KYB status"))?;
    Ok(Kyb { status, updated_at: read_moment(reader)? })
}

/// The status in that very word: [`KybStatus::new`] would trim and cut it again, which can cut off more.
fn as_written(word: &str) -> Result<KybStatus, Error> {
    let word: StrDeserializer<'_, Error> = word.into_deserializer();
    KybStatus::deserialize(word)
}

fn write_moment(text: &str, writer: &mut Writer<'_>) {
    let Some(moment) = Moment::parse(text) else {
        writer.byte(0);
        writer.text(text);
        return;
    };
    writer.byte(1 + moment.digits);
    writer.signed(moment.seconds.wrapping_sub(seconds(writer.origin())));
    if moment.digits > 0 {
        writer.number(u64::from(moment.part));
    }
}

fn read_moment(reader: &mut Reader<'_>) -> Result<String, Unreadable> {
    let what = "when a KYB was updated";
    let digits = match reader.byte(what)? {
        0 => return reader.text(what).map(str::to_owned),
        form => form - 1,
    };
    let seconds = seconds(reader.origin()).wrapping_add(reader.signed(what)?);
    let part = if digits > 0 { reader.small(what)? } else { 0 };
    let spelling = Moment { seconds, digits, part }.spell().ok_or_else(|| reader.damaged(what))?;
    Ok(spelling.as_str().to_owned())
}

const fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_words_come_back_to_the_letter() {
        let spaced = format!("{} rest", "x".repeat(63));
        let statuses = ["PENDING_REVIEW", "pending_review", "Pending_Review", "FROZEN", "", &spaced];
        let times =
            ["2026-11-22T10:00:00.000Z", "2026-11-22T10:00:00Z", "2026-11-22T12:00:00+02:00", "U", ""];
        for (status, time) in statuses.into_iter().flat_map(|status| times.map(|time| (status, time))) {
            let kyb = Kyb { status: KybStatus::new(status), updated_at: time.to_owned() };
            let mut bytes = Vec::new();
            let origin = Timestamp::from_millis(-1);
            write(&kyb, &mut Writer::new(&mut bytes, origin));
            let mut reader = Reader::new(&bytes);
            reader.set_origin(origin);
            let back = read(&mut reader).unwrap();
            assert_eq!((back.status.as_str(), &back.updated_at), (kyb.status.as_str(), &kyb.updated_at));
            assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn a_status_or_a_time_that_no_release_wrote_is_damage() {
        for bytes in [&[19, 1, 0][..], &[1, 11, 0, 0], &[1, 2, 0, 10], &[1]] {
            assert!(read(&mut Reader::new(bytes)).is_err(), "{bytes:?}");
        }
    }
}
