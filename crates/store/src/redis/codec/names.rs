//! Names that are UUIDs, or mostly are.

use gangway_jobs::id::CustomerId;
use uuid::Uuid;

use super::Unreadable;
use super::reader::Reader;
use super::writer::Writer;

/// The UUID that is written exactly so: hyphens, lower case.
pub(super) fn plain_uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(uuid)
}

/// 16 bytes.
pub(super) fn write_uuid(uuid: &Uuid, writer: &mut Writer<'_>) {
    writer.raw(uuid.as_bytes());
}

pub(super) fn read_uuid(reader: &mut Reader<'_>, what: &'static str) -> Result<Uuid, Unreadable> {
    reader.array(what).map(Uuid::from_bytes)
}

/// 0 and 16 bytes, or the text of any other: it is never empty, so that 0 is no length of one.
pub(super) fn write_customer(id: &CustomerId, writer: &mut Writer<'_>) {
    match plain_uuid(id.as_str()) {
        Some(uuid) => {
            writer.length(0);
            write_uuid(&uuid, writer);
        }
        None => writer.text(id.as_str()),
    }
}

pub(super) fn read_customer(reader: &mut Reader<'_>, what: &'static str) -> Result<CustomerId, Unreadable> {
    let mut buffer = Uuid::encode_buffer();
    let text = match reader.count(1, what)? {
        0 => &*read_uuid(reader, what)?.hyphenated().encode_lower(&mut buffer),
        length => reader.text_of(length, what)?,
    };
    // A path of the API's is built from it: it is proven once more.
    CustomerId::parse(text).ok_or_else(|| reader.damaged(what))
}

#[cfg(test)]
mod tests {
    use gangway_jobs::clock::Timestamp;

    use super::*;

    const PLAIN: &str = "0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11";

    #[test]
    fn only_the_plain_spelling_of_a_uuid_is_one() {
        assert!(plain_uuid(PLAIN).is_some());
        let braced = format!("{{{PLAIN}}}");
        let others = [&PLAIN.to_uppercase(), &PLAIN.replace('-', ""), &braced, &PLAIN[1..], ""];
        for other in others {
            assert_eq!(plain_uuid(other), None, "{other}");
        }
    }

    #[test]
    fn every_customer_id_comes_back_as_it_was() {
        let longest = "x".repeat(CustomerId::MAX_LEN);
        for (text, size) in [(PLAIN, 17), (&PLAIN.to_uppercase(), 37), ("cus:1", 6), (&longest, 130)] {
            let id = CustomerId::parse(text).unwrap();
            let mut bytes = Vec::new();
            write_customer(&id, &mut Writer::new(&mut bytes, Timestamp::default()));
            assert_eq!(bytes.len(), size, "{text}");
            assert_eq!(read_customer(&mut Reader::new(&bytes), "a customer"), Ok(id));
        }
    }

    #[test]
    fn what_is_no_customer_id_is_damage() {
        for bytes in [&b"\x02.."[..], b"\x05../..", b"\x01\n", b"\x03ab", b"\x00abc"] {
            assert!(read_customer(&mut Reader::new(bytes), "a customer").is_err(), "{bytes:?}");
        }
    }
}
