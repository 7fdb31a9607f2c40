use gangway_jobs::customer::RawCustomer;
use gangway_jobs::kyb::Status;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(30);

fn answer(created_at: &str) -> Object {
    serde_json::from_str(&format!(
        r#"{{"customer_id":"0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11","email":"ops@acme.example",
             "customer_type":"Business","status":"INIT","created_at":"{created_at}","updated_at":"U"}}"#
    ))
    .unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn the_body_is_what_the_api_asks_for_byte_by_byte() {
    let customer = NewCustomer::parse(RawCustomer {
        reference: Some("r-1"),
        email: "zoe@mueller.example",
        first_name: "Zoë",
        last_name: "Müller",
        company_name: "株式会社テスト ☕",
        customer_type: None,
    })
    .unwrap();
    assert_eq!(
        create_body(&customer, CustomerTypeSpelling::Upper),
        "{\"email\":\"zoe@mueller.example\",\"first_name\":\"Zoë\",\"last_name\":\"Müller\",\
         \"company_name\":\"株式会社テスト ☕\",\"customer_type\":\"BUSINESS\"}"
    );
    let pascal = create_body(&customer, CustomerTypeSpelling::Pascal);
    assert!(pascal.ends_with(b"\"customer_type\":\"Business\"}"));
}

#[test]
fn only_a_customer_made_during_the_call_is_fresh() {
    let answered = at("2026-03-01T09:10:00Z");
    let table = [
        ("2026-03-01T09:10:00.123Z", true),
        ("2026-03-01T09:08:30Z", true),
        ("2026-03-01T09:08:29Z", false),
        ("2026-03-01T10:08:40+01:00", true),
        ("2025-03-01T09:10:00Z", false),
        // The API's two clocks may disagree.
        ("2026-03-01T09:10:05Z", true),
        ("unreadable", false),
    ];
    for (created_at, fresh) in table {
        let created = created(&answer(created_at), answered, TIMEOUT).unwrap();
        assert_eq!(created.fresh, fresh, "{created_at}");
    }
}

#[test]
fn what_nobody_relies_on_may_be_missing_or_odd() {
    let bodies = [
        r#"{"customer_id":"c-1","email":"a@b.example","status":"approved"}"#,
        r#"{"customer_id":"c-1","email":"a@b.example","status":"APPROVED","customer_type":"BUSINESS"}"#,
        r#"{"customer_id":"c-1","email":"a@b.example","status":"Approved","customer_type":7,
            "associated_persons":[],"review_issues":null,"created_at":null,"updated_at":null}"#,
    ];
    for body in bodies {
        let customer = customer(&serde_json::from_str(body).unwrap()).unwrap();
        assert_eq!(customer.status.status(), Status::Approved, "{body}");
    }
}

#[test]
fn what_is_relied_on_must_be_there() {
    for (without, fault) in [("customer_id", "customer_id"), ("email", "email"), ("status", "status")] {
        for odd in [None, Some(Value::Null), Some(Value::from(7)), Some(Value::from(" "))] {
            let mut body = answer("2026-03-01T09:10:00Z");
            body.remove(without);
            body.extend(odd.map(|odd| (without.to_owned(), odd)));
            assert!(customer(&body).unwrap_err().contains(fault));
        }
    }
    let mut body = answer("2026-03-01T09:10:00Z");
    body.insert("customer_id".to_owned(), "../admin".into());
    assert!(customer(&body).is_err());
}

#[test]
fn a_page_is_its_customers_and_perhaps_a_total() {
    let customer = Value::Object(answer("2026-03-01T09:10:00Z"));
    let body = Object::from_iter([("customers".to_owned(), Value::from(vec![customer.clone(), customer]))]);
    let page = page(&body).unwrap();
    assert_eq!((page.customers.len(), page.total), (2, None));
    assert!(super::page(&Object::new()).is_err());
}

#[test]
fn debug_output_shows_no_email() {
    let body = answer("2026-03-01T09:10:00Z");
    let created = created(&body, at("2026-03-01T09:10:00Z"), TIMEOUT).unwrap();
    let shown = format!("{created:?} {:?}", customer(&body).unwrap());
    assert!(!shown.contains("ops@") && shown.contains("INIT"), "{shown}");
}
