use proptest::prelude::*;

use super::*;

const GOOD: RawCustomer<'_> = RawCustomer {
    reference: None,
    email: "ops@acme.example",
    first_name: "Ada",
    last_name: "Byron",
    company_name: "Acme Ltd",
    customer_type: None,
};

fn refusal(raw: RawCustomer<'_>) -> (Field, &'static str) {
    let faults = NewCustomer::parse(raw).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    (faults[0].field, faults[0].reason.code())
}

#[test]
fn each_refusal_names_its_field_and_reason() {
    let long = "x".repeat(256);
    let long_company = "é".repeat(101);
    let table = [
        (RawCustomer { email: " ", ..GOOD }, Field::Email, "missing"),
        (RawCustomer { email: "no-at.example", ..GOOD }, Field::Email, "invalid_email"),
        (RawCustomer { email: "@acme.example", ..GOOD }, Field::Email, "invalid_email"),
        (RawCustomer { email: "a b@acme.example", ..GOOD }, Field::Email, "invalid_email"),
        (RawCustomer { email: "a..b@acme.example", ..GOOD }, Field::Email, "invalid_email"),
        (RawCustomer { email: "a@localhost", ..GOOD }, Field::Email, "invalid_email"),
        (RawCustomer { email: "a@-acme.example", ..GOOD }, Field::Email, "invalid_email"),
        (RawCustomer { email: "a@b@acme.example", ..GOOD }, Field::Email, "invalid_email"),
        (RawCustomer { email: "<a@acme.example>", ..GOOD }, Field::Email, "invalid_email"),
        (RawCustomer { first_name: "", ..GOOD }, Field::FirstName, "missing"),
        (RawCustomer { first_name: &long, ..GOOD }, Field::FirstName, "too_long"),
        (RawCustomer { last_name: "\u{a0}", ..GOOD }, Field::LastName, "missing"),
        (RawCustomer { last_name: "O<b>Brien", ..GOOD }, Field::LastName, "markup"),
        (RawCustomer { last_name: "two\nlines", ..GOOD }, Field::LastName, "control_character"),
        (RawCustomer { company_name: &long_company, ..GOOD }, Field::CompanyName, "too_long"),
        (RawCustomer { company_name: "</script>", ..GOOD }, Field::CompanyName, "markup"),
        (RawCustomer { customer_type: Some("INDIVIDUAL"), ..GOOD }, Field::CustomerType, "unsupported_type"),
        (RawCustomer { reference: Some(&long), ..GOOD }, Field::Reference, "too_long"),
    ];
    for (raw, field, code) in table {
        assert_eq!(refusal(raw), (field, code));
    }
}

#[test]
fn the_limits_themselves_are_allowed_and_counted_in_characters() {
    let name = "ß".repeat(255);
    let company = "株".repeat(100);
    assert!(NewCustomer::parse(RawCustomer { first_name: &name, company_name: &company, ..GOOD }).is_ok());
    assert!(
        NewCustomer::parse(RawCustomer { company_name: "a < b <3", customer_type: Some("Business"), ..GOOD })
            .is_ok()
    );
}

#[test]
fn every_fault_of_a_row_is_told_at_once() {
    let faults =
        NewCustomer::parse(RawCustomer { customer_type: Some("x"), ..RawCustomer::default() }).unwrap_err();
    assert_eq!(faults.len(), 5);
}

#[test]
fn an_email_is_normalized_and_compared_so() {
    let email = Email::parse("  OPS@Bücher.Example ").unwrap();
    assert_eq!(email.as_str(), "ops@xn--bcher-kva.example");
    assert!(email.is("Ops@bücher.example") && !email.is("ops@acme.example") && !email.is(""));
}

#[test]
fn debug_output_shows_nothing_personal() {
    let shown = format!("{:?}", NewCustomer::parse(GOOD).unwrap());
    for value in ["ops@", "Ada", "Byron", "Acme"] {
        assert!(!shown.contains(value), "{shown}");
    }
}

#[test]
fn an_email_may_look_unusual_and_yet_be_one() {
    let table = [
        ("a@b.co", "a@b.co"),
        ("first.last+tag@sub.acme.example", "first.last+tag@sub.acme.example"),
        ("o'brien@acme.example", "o'brien@acme.example"),
        ("!#$%&'*+-/=?^_`{|}~@acme.example", "!#$%&'*+-/=?^_`{|}~@acme.example"),
        ("1@123.example", "1@123.example"),
        ("MÜLLER@ACME.EXAMPLE", "müller@acme.example"),
        ("Zoe\u{308}@acme.example", "zoë@acme.example"),
        ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
        ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"),
        ("a@ａｃｍｅ。example", "a@acme.example"),
        ("a@ac\u{ad}me.example", "a@acme.example"),
        ("\u{a0}a@acme.example\t", "a@acme.example"),
    ];
    for (written, normalized) in table {
        assert_eq!(Email::parse(written).unwrap().as_str(), normalized, "{written}");
    }
}

#[test]
fn what_is_no_email_is_refused() {
    let long_local = format!("{}@acme.example", "x".repeat(65));
    let long_label = format!("a@{}.example", "x".repeat(64));
    let long = format!("a@{}example", "x23456789.".repeat(25));
    let table = [
        "a",
        "@",
        "a@",
        "a@.",
        "a@acme",
        "a@acme.",
        "a@.acme.example",
        "a@acme..example",
        "a@acme.example.",
        ".a@acme.example",
        "a.@acme.example",
        "a@acme_x.example",
        "a@acme example.com",
        "a@acme.exam ple",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@acme.123",
        "\"a b\"@acme.example",
        "a,b@acme.example",
        "a@acme.example,b@acme.example",
        "a@acme.example;b@acme.example",
        "Ada <a@acme.example>",
        "a@acme.example>",
        "mailto:a@acme.example",
        "a\u{200b}b@acme.example",
        "\u{feff}a@acme.example",
        "a\u{0}@acme.example",
        "a\nb@acme.example",
        "a@acme.example\nbcc:b@acme.example",
        "a@acme%2eexample",
        "a@-acme.example",
        "a@acme-.example",
        "a@xn--\u{fc}.example",
        "a\u{2028}@acme.example",
        &long_local,
        &long_label,
        &long,
    ];
    for text in table {
        assert!(Email::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn markup_is_what_a_browser_takes_for_it() {
    let parse = |text: &str| CompanyName::parse(Field::CompanyName, text).map_err(|fault| fault.reason);
    for markup in ["<b>", "a<script>", "</p>", "<!-- x", "<?php", "<IMG src=x", "x <svg/onload=y>", "<<b"] {
        assert_eq!(parse(markup), Err(Reason::Markup), "{markup}");
    }
    for plain in
        ["a < b", "a > b", "<3", "5<6", "< b>", "R&D", "O'Brien \"x\"", "&lt;b&gt;", "a<", "->", "Größe ≥ 1"]
    {
        assert!(parse(plain).is_ok(), "{plain}");
    }
}

#[test]
fn a_name_that_shows_nothing_is_missing() {
    for nothing in ["", " ", "\u{3000}", "\u{200b}", " \u{feff}\u{2060} "] {
        assert_eq!(
            PersonName::parse(Field::FirstName, nothing).map_err(|fault| fault.reason),
            Err(Reason::Missing),
            "{nothing:?}"
        );
    }
}

#[test]
fn an_absent_type_is_business_in_any_spelling() {
    for text in [None, Some(""), Some(" "), Some("BUSINESS"), Some("Business"), Some(" business ")] {
        assert_eq!(check_type(text), Ok(()), "{text:?}");
    }
    for text in ["INDIVIDUAL", "BUSINESSES", "0"] {
        assert!(check_type(Some(text)).is_err(), "{text}");
    }
}

#[test]
fn an_empty_reference_is_a_reference() {
    assert_eq!(Reference::parse("  ").unwrap().as_str(), "");
    assert!(NewCustomer::parse(RawCustomer { reference: Some(""), ..GOOD }).unwrap().reference.is_some());
    assert!(NewCustomer::parse(GOOD).unwrap().reference.is_none());
}

proptest! {
    #[test]
    fn a_normalized_email_is_normal(text in "[\\PC]{1,12}@[\\PC]{1,12}\\.[a-zA-Zäß.]{1,6}") {
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(Email::parse(email.as_str()).unwrap(), email.clone(), "{}", text);
            prop_assert!(email.is(&text));
        }
    }

    #[test]
    fn nothing_that_is_handed_in_breaks_the_parser(text in "\\PC*") {
        let raw = RawCustomer {
            reference: Some(&text),
            email: &text,
            first_name: &text,
            last_name: &text,
            company_name: &text,
            customer_type: Some(&text),
        };
        prop_assert!(NewCustomer::parse(raw).is_err(), "an e-mail is no customer type");
    }
}
