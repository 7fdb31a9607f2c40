//! What the API answers, or something in front of it.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_onemoney::offline::{self, Arrived};
use gangway_onemoney::{CallError, Class};

const NOW: Timestamp = Timestamp::from_millis(1_772_355_600_000);

/// Long enough to be no word that an answer would hold anyway.
const EMAIL: &str = "quillon.zebrowski@engines.example";

/// The first two bytes tell the status, the rest is the body: it is read as the answer to each kind of call.
///
/// # Panics
/// If an error shows the customer's e-mail or more than 200 characters, or a good answer has no id.
pub fn check(data: &[u8]) {
    let Some((status, body)) = data.split_first_chunk::<2>() else { return };
    let status = 100 + u16::from_be_bytes(*status) % 500;
    let arrived = || Arrived::Answer { status, body: body.to_vec() };
    let raw = RawCustomer {
        reference: Some("C-1"),
        email: EMAIL,
        first_name: "Quillon",
        last_name: "Zebrowski",
        company_name: "Engines of Night Ltd",
        customer_type: None,
    };
    let Ok(customer) = NewCustomer::parse(raw) else { return };
    let personal = customer.personal_values();
    let created = offline::created(arrived(), &customer, NOW);
    if let Ok(created) = &created {
        assert!((200..300).contains(&status), "{status} is no success");
        assert!(!created.customer_id.as_str().is_empty(), "a customer without an id");
    }
    tells_nothing(created.err());
    let found = offline::found(arrived(), &personal, NOW);
    assert!(!matches!(&found, Ok(None)) || status == 404, "only a 404 says that there is nobody");
    tells_nothing(found.err());
    // Without the customer's values: these calls do not know them. What looks like an e-mail is masked all the same.
    tells_nothing(offline::link(arrived(), NOW).err());
    tells_nothing(offline::customer(arrived(), NOW).err());
}

fn tells_nothing(error: Option<CallError>) {
    let Some(error) = error else { return };
    assert!(error.text.chars().count() <= 200, "{} characters are kept", error.text.chars().count());
    let shown = format!("{error} {error:?}").to_lowercase();
    assert!(!shown.contains(EMAIL), "an error shows an e-mail");
    // Of what is uncertain a second look decides, never the answer alone.
    assert!(error.class != Class::Refused || !error.is_uncertain(), "a refusal that is uncertain");
}
