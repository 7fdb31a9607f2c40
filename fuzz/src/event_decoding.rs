//! What is stored and read back: events and payloads.

use gangway_jobs::event::{Event, redact};
use gangway_jobs::kind::Kind;
use gangway_jobs::payload::Payload;

/// The bytes are an entry of the outbox, and a payload of each kind.
///
/// # Panics
/// If what could be read is something else once it is written and read again, or an event that was cleaned is not clean.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for kind in Kind::ALL {
        payload(kind, text);
    }
    let Ok(value) = serde_json::from_str(text) else { return };
    let Ok(mut event) = Event::from_cloud_event(value) else { return };
    round_trip(&event);
    redact(&mut event.data);
    assert!(event.data.get("url").is_none(), "a cleaned event has a link");
    assert!(
        event.data.get("reference").is_none_or(serde_json::Value::is_null),
        "a cleaned event has a reference"
    );
    round_trip(&event);
}

fn round_trip(event: &Event) {
    let again = Event::from_cloud_event(event.to_cloud_event());
    assert!(again.as_ref() == Ok(event), "an event is another one once it is written");
    let bytes = event.to_cloud_event().to_string();
    assert!(!bytes.contains('\n'), "an event takes more than one line");
}

fn payload(kind: Kind, text: &str) {
    let Ok(payload) = Payload::decode(kind, text) else { return };
    assert!(payload.kind() == kind, "a payload of another kind");
    let again = Payload::decode(kind, &payload.encode());
    assert!(again.is_ok_and(|again| again == payload), "a payload is another one once it is written");
}
