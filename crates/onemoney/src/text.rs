//! What an error answer says, whatever its shape: the API's error object, other JSON, HTML, plain text, nothing.

use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// The longest page that is read for its words.
const MAX_PAGE: usize = 64 * 1024;

/// What was said. Not masked yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The API's code, as `Bad_Request`.
    pub(crate) code: Option<String>,
    /// The words, in one text.
    pub(crate) text: String,
    /// Whether the API itself said it, in JSON; HTML comes from something in front of it.
    pub(crate) by_api: bool,
}

/// Reads an error body.
pub(crate) fn said(body: &[u8]) -> Said {
    let body = trimmed(body);
    match body.first() {
        Some(b'{') => match serde_json::from_slice::<Object>(body) {
            Ok(object) => said_in(&object),
            Err(_malformed) => words(MALFORMED),
        },
        // Half of a JSON text may hold half of a name, which no mask would know.
        Some(b'[' | b'"') => words(MALFORMED),
        Some(b'<') => words(&page_text(body)),
        Some(_) if body.len() <= MAX_PAGE => words(&String::from_utf8_lossy(body)),
        Some(_) | None => Said::default(),
    }
}

const MALFORMED: &str = "the answer is not a JSON object";

fn words(text: &str) -> Said {
    Said { text: text.to_owned(), ..Said::default() }
}

/// Reads the API's error object: `code`, `status`, `detail`, `instance`, each perhaps missing.
pub(crate) fn said_in(object: &Object) -> Said {
    let code = object.get("code").and_then(Value::as_str).map(str::to_owned);
    let detail = object.get("detail").map(|detail| leaves(detail).join(" ")).unwrap_or_default();
    let text = if detail.trim().is_empty() {
        let other = |(name, _): &(&String, &Value)| !matches!(name.as_str(), "code" | "status" | "instance");
        object.iter().filter(other).flat_map(|(_, value)| leaves(value)).collect::<Vec<_>>().join(" ")
    } else {
        detail
    };
    Said { code, text, by_api: true }
}

/// The strings and numbers inside, decoded, so that a mask finds them as they are.
fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(values) => values.iter().flat_map(leaves).collect(),
        Value::Object(object) => object.values().flat_map(leaves).collect(),
        Value::String(_) | Value::Null | Value::Bool(_) => Vec::new(),
    }
}

/// Without white space and byte order mark around it.
pub(crate) fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii()
}

/// The words of a page, without tags, scripts and styles. An overlong page has none: its cut could go through a name.
pub(crate) fn page_text(page: &[u8]) -> String {
    if page.len() > MAX_PAGE {
        return String::new();
    }
    let page = String::from_utf8_lossy(page);
    let mut rest = page.as_ref();
    let mut text = String::new();
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = after_tag(tag);
    }
    text.push_str(rest);
    unescaped(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What follows a tag whose `<` has been read; for a script or a style, what follows its end.
fn after_tag(tag: &str) -> &str {
    let opens = |name: &&str| tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    let closing = ["script", "style"].into_iter().find(opens);
    let from = closing.map_or(Some(0), |name| tag.to_ascii_lowercase().find(&format!("</{name}")));
    from.and_then(|from| tag[from..].split_once('>')).map_or("", |(_, rest)| rest)
}

/// Character references replaced, so that a mask finds `O'Brien` in `O&#39;Brien`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        // The longest name is short; looking further would read the page once for every `&`.
        let end = after.bytes().take(10).position(|byte| byte == b';');
        let named = end.and_then(|end| Some((character(&after[..end])?, &after[end + 1..])));
        let (c, next) = named.unwrap_or(('&', after));
        out.push(c);
        rest = next;
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32);
    }
    let table = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", ' '),
        ("commat", '@'),
    ];
    table.into_iter().find(|(known, _)| *known == name).map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_read_for_its_words() {
        let table = [
            (
                r#"{"code":"Bad_Request","status":400,"detail":"no","instance":"/v1"}"#,
                Some("Bad_Request"),
                "no",
            ),
            (r#"{"status":429,"detail":4}"#, None, "4"),
            (r#"{"detail":"","message":"Zo\u00eb \"is\" taken"}"#, None, "Zoë \"is\" taken"),
            (r#"{"error":{"message":"no","more":["a",1]}}"#, None, "no a 1"),
            (r#"{"code":"Forbidden","status":403,"instance":"/v1/customers"}"#, Some("Forbidden"), ""),
            (r#"{"code":7}"#, None, ""),
            (r#"{"detail":"Ada By"#, None, MALFORMED),
            (r#"["Ada"]"#, None, MALFORMED),
            ("", None, ""),
            (" \r\n", None, ""),
            ("upstream connect error", None, "upstream connect error"),
            (
                "<html><head><style>p { x: y }</style></head><h1>502</h1> Bad&nbsp;Gateway",
                None,
                "502 Bad Gateway",
            ),
            ("<script>secret()", None, ""),
            ("<p>O&#39;Brien &amp; O&#x27;Neill &co; &", None, "O'Brien & O'Neill &co; &"),
        ];
        for (body, code, text) in table {
            let said = said(body.as_bytes());
            assert_eq!((said.code.as_deref(), said.text.as_str()), (code, text), "{body}");
        }
    }

    #[test]
    fn an_overlong_page_says_nothing() {
        assert_eq!(said(&[b"<p>".as_slice(), &vec![b'x'; MAX_PAGE]].concat()).text, "");
        assert_eq!(said(&vec![b'x'; MAX_PAGE + 1]).text, "");
    }
}
