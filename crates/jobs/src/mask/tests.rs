use proptest::prelude::*;

use super::*;

const VALUES: [&str; 5] = ["ops@acme.example", "Li", "Müller", "Acme & Söhne Ltd", "A-17/b"];

#[test]
fn what_may_be_personal_or_secret_is_gone() {
    let table = [
        ("Customer with email Ops@Acme.Example already exists", "Customer with email [value] already exists"),
        ("other@acme.example is taken", "[email] is taken"),
        ("\"x@y.example\", no", "\"[email]\", no"),
        ("see https://api.example/t?token=abc now", "see [url] now"),
        ("token=eyJhbGciOiJIUzI1NiIsInR5cCI6 bad", "[token] bad"),
        ("id 0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11 gone", "id [token] gone"),
        ("LI is no limit", "[value] is no limit"),
        ("line\nbreak\u{7}bell", "line break bell"),
    ];
    for (said, kept) in table {
        assert_eq!(masked(said, &VALUES), kept);
    }
}

#[test]
fn a_name_is_found_in_any_spelling() {
    let spellings = [
        "MÜLLER",
        "müller",
        "Muller",
        "Mu\u{308}ller",
        "M\\u00fcller",
        "M\\u00FCLLER",
        "M%C3%BCller",
        "M%25C3%25BCller",
        "M&#252;ller",
        "M\u{200b}ül\u{ad}ler",
    ];
    for name in spellings {
        assert_eq!(
            masked(&format!("last name {name}, refused"), &VALUES),
            "last name [value], refused",
            "{name}"
        );
    }
    let companies = [
        "ACME & SÖHNE LTD",
        "Acme  &\nSöhne Ltd",
        "Acme &amp; S&#246;hne Ltd",
        "Acme \\u0026 S\\u00f6hne Ltd",
        "Acme%20%26%20S%C3%B6hne%20Ltd",
        "Acme+%26+S%C3%B6hne+Ltd",
    ];
    for company in companies {
        assert_eq!(masked(&format!("company {company}: no"), &VALUES), "company [value]: no", "{company}");
    }
}

#[test]
fn a_short_name_is_a_whole_word_unless_its_script_has_no_spaces() {
    assert_eq!(masked("limit of Li, (li) and Lin", &["Li"]), "limit of [value], ([value]) and Lin");
    assert_eq!(masked("顧客山田様は登録済みです", &["山田"]), "顧客[value]様は登録済みです");
    assert_eq!(masked("客户李的姓名", &["李"]), "客户[value]的姓名");
    assert_eq!(masked("a b c", &["b", " ", ""]), "a b c");
}

#[test]
fn an_email_is_found_in_any_disguise() {
    let disguises = [
        "eve@acme.example",
        "<eve@acme.example>",
        "Eve<eve@acme.example>",
        "mailto:eve@acme.example",
        "email=eve%40acme.example",
        "eve%2540acme.example",
        "eve\\u0040acme.example",
        "eve&#64;acme.example",
        "eve&commat;acme.example",
        "eve＠acme.example",
        "eve @ acme.example",
        "eve@ acme.example",
        "eve @acme.example",
        "{\"email\":\"eve@acme.example\"}",
        "<mailto:eve@acme.example>,",
    ];
    for disguise in disguises {
        let kept = masked(&format!("already {disguise} there"), &[]);
        assert!(!kept.to_lowercase().contains("eve") && !kept.contains("acme"), "{disguise}: {kept}");
        assert!(
            kept.contains("[email]") && kept.starts_with("already ") && kept.ends_with(" there"),
            "{kept}"
        );
    }
}

#[test]
fn a_link_and_a_token_are_found_in_any_disguise() {
    let secrets = [
        "HTTPS://api.example/onboarding?token=hush-1",
        "https:\\/\\/api.example\\/onboarding?token=hush-1",
        "https%3A%2F%2Fapi.example%2Fonboarding%3Ftoken%3Dhush-1",
        "\"www.api.example?hush\"",
        "WWW.api.example/hush",
        "api.example/onboarding?token=hush",
        "token=hush5678901234567890",
        "[hush5678901234567890]|x",
        "(sk_live_hush567890123456!)",
        "hush5678-1234-1234-1234-123456789012",
    ];
    for secret in secrets {
        let kept = masked(&format!("see {secret} now"), &[]);
        assert!(!kept.contains("hush"), "{secret}: {kept}");
    }
}

#[test]
fn plain_words_stay_as_they_are() {
    let harmless = [
        "company_name must be 1-100 characters, and/or plain text (no HTML).",
        "Rate limit exceeded. Retry after 4s.",
        "verified fiat account is required",
        "application/json expected; 100% of e.g. rows & fields",
        "KYB edit not allowed [status=PENDING_REVIEW]",
        "@ 5 %",
    ];
    for text in harmless {
        let kept = masked(text, &["Ada", "Byron"]);
        assert!(kept == text || text.starts_with('@'), "{kept}");
    }
}

#[test]
fn a_customer_called_like_a_mask_does_not_mask_it_again() {
    let names = ["Value", "email", "URL", "Token"];
    let once = masked("Value with x@y.example at https://x and token", &names);
    assert_eq!(once, "[value] with [email] at [url] and [value]");
    assert_eq!(masked(&once, &names), once);
}

#[test]
fn the_text_is_bounded_and_a_value_that_the_cut_goes_through_is_left_out() {
    let long = "quota reached ".repeat(1000);
    let once = masked(&long, &[]);
    assert!(once.chars().count() <= MAX_CHARS);
    assert_eq!(masked(&once, &[]), once);
    assert_eq!(masked(&"x".repeat(10_000), &[]), "");
    for shift in 0..40 {
        let link = format!("https://{}", "x".repeat(LOOKED_AT - 40 + shift));
        let kept = masked(&format!("{link} Acme Secret Trading Ltd and more"), &["Acme Secret Trading Ltd"]);
        assert!(!kept.contains("Acme") && !kept.contains("Secret"), "{shift}: {kept}");
    }
}

proptest! {
    #[test]
    fn masking_twice_changes_nothing(
        pieces in prop::collection::vec(
            prop_oneof![
                "\\PC{0,12}",
                "[a-z0-9.@%&;\\\\u/ ]{0,30}",
                prop::sample::select(vec!["%25", "40", "&amp;", "#64;", "\\u", "0040", "\\", "@", "[value]", "://", " ",
                    "Müller", "acme.example", "0123456789abcdef0123", "\u{308}", "%C3", "%BC"]).prop_map(str::to_owned),
            ],
            0..40,
        ),
    ) {
        let text = pieces.concat();
        let once = masked(&text, &VALUES);
        prop_assert!(once.chars().count() <= MAX_CHARS);
        prop_assert_eq!(masked(&once, &VALUES), once.clone(), "{}", text);
        prop_assert_eq!(masked(&once, &[]), once);
    }

    #[test]
    fn no_value_survives_in_any_case(before in "[a-z ]{0,30}", after in "[a-z ]{0,30}", upper in any::<bool>()) {
        let name = if upper { "ANTONIA WIESENGRUND" } else { "antonia wiesengrund" };
        let kept = masked(&format!("{before}{name}{after}"), &["Antonia Wiesengrund"]);
        prop_assert!(!kept.to_lowercase().contains("wiesengrund"), "{}", kept);
    }
}
