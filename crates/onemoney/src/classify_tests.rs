//! The table, quirk by quirk.

use Operation::{CreateCustomer, CreateLink, CustomerByKey, ListCustomers, ReadCustomer};
use reqwest::header::HeaderValue;

use super::*;

const UNSURE: Class = Class::Unreachable { uncertain: true };
const DOWN: Class = Class::Unreachable { uncertain: false };
const BUSY: Class = Class::RateLimited { wait: None };
const CUSTOMER: &str = r#"{"customer_id":"c-1","email":"ops@acme.example","status":"INIT"}"#;
const PAGE: &str = "<html><h1>Maintenance</h1></html>";
const RULE: &str =
    r#"{"code":"Internal_Server_Error","status":500,"detail":"KYB edit not allowed in APPROVED"}"#;
const NO_FIAT: &str = r#"{"status":500,"detail":"verified fiat account is required"}"#;

fn answer(operation: Operation, status: u16, body: &str) -> Answer {
    Answer {
        operation,
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        ending: Ending::Whole,
    }
}

fn read(answer: &Answer) -> Result<Object, CallError> {
    let reader = Reader {
        personal: &["ops@acme.example", "Ada", "O'Brien"],
        max_wait: Duration::from_mins(5),
        now: Timestamp::from_millis(1_772_355_601_000),
    };
    classify(answer, &reader)
}

fn class(operation: Operation, status: u16, body: &str) -> Class {
    read(&answer(operation, status, body)).unwrap_err().class
}

#[test]
fn every_status_has_its_class() {
    let table = [
        (401, [Class::Unauthorized; 5]),
        (403, [Class::Forbidden; 5]),
        (404, [Class::Refused, Class::NotFound, Class::NotFound, Class::NotFound, Class::Refused]),
        (400, [Class::Refused, Class::Refused, Class::NotEditable, Class::Refused, Class::Refused]),
        (409, [Class::Conflict, Class::Conflict, Class::NotEditable, Class::Conflict, Class::Conflict]),
        (422, [Class::Refused; 5]),
        (402, [Class::Refused; 5]),
        (413, [Class::Refused; 5]),
        (429, [BUSY; 5]),
        (425, [DOWN; 5]),
        (408, [UNSURE, DOWN, UNSURE, DOWN, DOWN]),
        (502, [UNSURE, DOWN, UNSURE, DOWN, DOWN]),
        (503, [UNSURE, DOWN, UNSURE, DOWN, DOWN]),
        (504, [UNSURE, DOWN, UNSURE, DOWN, DOWN]),
        (522, [UNSURE, DOWN, UNSURE, DOWN, DOWN]),
        (500, [Class::ServerError; 5]),
        (501, [Class::ServerError; 5]),
        (599, [Class::ServerError; 5]),
        (301, [Class::Contract; 5]),
        (307, [Class::Contract; 5]),
        (304, [Class::Contract; 5]),
    ];
    for (status, classes) in table {
        for (operation, expected) in Operation::ALL.into_iter().zip(classes) {
            for body in ["", r#"{"detail":"no"}"#, "plain"] {
                assert_eq!(class(operation, status, body), expected, "{operation} {status} {body:?}");
            }
        }
    }
}

#[test]
fn the_text_decides_only_where_the_status_lies() {
    let table = [
        // One refusal, three statuses.
        (CreateLink, 500, RULE, Class::NotEditable),
        (CreateLink, 409, RULE, Class::NotEditable),
        (CreateLink, 400, RULE, Class::NotEditable),
        (CreateCustomer, 500, RULE, Class::Refused),
        (CreateCustomer, 500, NO_FIAT, Class::Refused),
        (CreateLink, 500, NO_FIAT, Class::Refused),
        // A page is nobody's business rule.
        (CreateCustomer, 500, "<p>method not allowed</p>", Class::ServerError),
        (CreateCustomer, 503, RULE, UNSURE),
        // A gateway's 404 proves nothing of a customer.
        (ReadCustomer, 404, PAGE, Class::Contract),
        (CustomerByKey, 404, PAGE, Class::Contract),
        (CreateLink, 404, PAGE, Class::Contract),
        (CreateCustomer, 404, PAGE, Class::Refused),
    ];
    for (operation, status, body, expected) in table {
        assert_eq!(class(operation, status, body), expected, "{operation} {status} {body}");
    }
}

#[test]
fn a_success_must_be_an_object_and_no_hidden_429() {
    let busy = r#"{"code":"Too_Many_Requests","status":429,"detail":"Rate limit exceeded. Retry after 4s."}"#;
    let four = Class::RateLimited { wait: Some(Duration::from_secs(4)) };
    let table = [
        (CreateCustomer, busy, four),
        (ReadCustomer, busy, four),
        (ListCustomers, r#"{"status":429,"detail":"4"}"#, four),
        (CreateLink, r#" {"status":429,"detail":4}"#, four),
        (CreateLink, r#"{"status":429}"#, BUSY),
        (CreateCustomer, r#"{"code":"Too_Many_Requests"}"#, BUSY),
        (CreateCustomer, PAGE, Class::Contract),
        (ReadCustomer, PAGE, Class::Contract),
        (CreateCustomer, "", Class::Contract),
        (CreateCustomer, "null", Class::Contract),
        (CreateCustomer, "[{}]", Class::Contract),
        (CreateCustomer, "{customer}", Class::Contract),
        (CreateCustomer, &CUSTOMER[..30], UNSURE),
        (ReadCustomer, &CUSTOMER[..30], DOWN),
    ];
    for (operation, body, expected) in table {
        for status in [200, 201, 202] {
            assert_eq!(class(operation, status, body), expected, "{operation} {status} {body}");
        }
    }
    for good in [CUSTOMER, r#"{"status":"429","code":"x"}"#, "\u{feff}{}", " {}\n"] {
        assert!(read(&answer(CreateCustomer, 200, good)).is_ok(), "{good}");
    }
}

#[test]
fn a_body_that_broke_off_says_nothing_but_its_status() {
    for ending in [|| Ending::Cut("the connection was lost".to_owned()), || Ending::TooLong] {
        let cut = |operation, status, body| Answer { ending: ending(), ..answer(operation, status, body) };
        assert_eq!(read(&cut(CreateCustomer, 201, CUSTOMER)).unwrap_err().class, UNSURE);
        assert_eq!(read(&cut(ReadCustomer, 200, CUSTOMER)).unwrap_err().class, DOWN);
        let refused = read(&cut(CreateCustomer, 400, "ops@acme.exam")).unwrap_err();
        assert_eq!((refused.class, refused.text.as_str()), (Class::Refused, "Bad Request"));
    }
}

#[test]
fn an_undecodable_success_of_a_create_is_uncertain() {
    for body in [PAGE, "", "[]", &CUSTOMER[..30]] {
        assert!(read(&answer(CreateCustomer, 201, body)).unwrap_err().is_uncertain(), "{body}");
    }
    assert!(wrong_shape(&answer(CreateCustomer, 201, "{}"), "the answer has no email").is_uncertain());
    assert!(!read(&answer(CreateCustomer, 400, "")).unwrap_err().is_uncertain());
}

#[test]
fn what_the_api_said_is_kept_without_anything_personal() {
    let said = r#"{"code":"Bad_Request","status":400,"instance":"/v1/customers","detail":
        "Email OPS@acme.example of Ada O'Brien (0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11) exists, see https://x.example/1"}"#;
    let mut answer = answer(CreateCustomer, 400, said);
    answer.headers.insert("x-request-id", HeaderValue::from_static("req-1"));
    let error = read(&answer).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("Bad_Request"));
    assert_eq!(error.text, "Email [value] of [value] [value] ([token]) exists, see [url]");
    assert_eq!(error.request_id.as_deref(), Some("req-1"));
    assert_eq!(error.status, Some(400));
    let shown = format!("{error} {error:?}").to_lowercase();
    assert!(!shown.contains("acme") && !shown.contains("brien"), "{shown}");

    answer.body = "<p>No O&#39;Brien</p>".into();
    assert_eq!(read(&answer).unwrap_err().text, "No [value]");
    answer.body = r#"{"code":"Ada","detail":"x"}"#.into();
    assert_eq!(read(&answer).unwrap_err().code, None);
    answer.body = "xy ".repeat(5000).into();
    // The last word ends at the bound itself.
    assert_eq!(read(&answer).unwrap_err().text.chars().count(), 200);
}

#[test]
fn a_wait_is_capped_and_kept_where_waiting_helps() {
    let wait = |status, header: &'static str| {
        let mut answer = answer(CreateCustomer, status, "");
        answer.headers.insert("retry-after", HeaderValue::from_static(header));
        read(&answer).unwrap_err().wait().map(|wait| wait.as_secs())
    };
    assert_eq!(wait(429, "7"), Some(7));
    assert_eq!(wait(429, "86400"), Some(300));
    assert_eq!(wait(503, "7"), Some(7));
    assert_eq!(wait(500, "7"), Some(7));
    assert_eq!(wait(429, "Sun, 01 Mar 2026 09:00:11 GMT"), Some(10));
    assert_eq!(wait(429, "0"), None);
    assert_eq!(wait(400, "7"), None);
}
