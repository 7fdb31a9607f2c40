//! A text without its disguises: escapes of URLs, JSON and HTML undone, however often they were put on.

use unicode_normalization::UnicodeNormalization;

/// The text decoded until there is nothing left to decode, composed (NFC), without invisible characters and with single
/// spaces for all white space and control characters.
pub(super) fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    // Each turn makes the text shorter, so this ends.
    while let Some(decoded) = decode_once(&text) {
        text = decoded;
    }
    let seen = text.nfc().filter(|c| !is_invisible(*c));
    let spaced: String = seen.map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that show nothing, and so could stand unseen in the middle of a name: soft hyphen, zero-width space and
/// marks, bidirectional controls, word joiner, byte order mark. Joiners that some scripts need are not among them.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `None` if nothing in it is an escape.
fn decode_once(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(c) = rest.chars().next() {
        let decoded = match c {
            '%' => percent(rest),
            '\\' => backslash(rest),
            '&' => entity(rest),
            _ => None,
        };
        let (c, length) = decoded.unwrap_or((c, c.len_utf8()));
        changed |= decoded.is_some();
        out.push(c);
        rest = &rest[length..];
    }
    changed.then_some(out)
}

/// `%40`; one character of up to four bytes.
fn percent(text: &str) -> Option<(char, usize)> {
    let byte = |at: usize| match text.as_bytes().get(at..at + 3)? {
        [b'%', digits @ ..] => hex(std::str::from_utf8(digits).ok()?).and_then(|n| u8::try_from(n).ok()),
        _ => None,
    };
    let bytes: Vec<u8> = (0..4).map_while(|n| byte(3 * n)).collect();
    (1..=bytes.len()).find_map(|length| {
        let c = std::str::from_utf8(&bytes[..length]).ok()?.chars().next()?;
        Some((c, 3 * length))
    })
}

/// `\u0040`, `\x40`, `\/`, `\n`.
fn backslash(text: &str) -> Option<(char, usize)> {
    match text.as_bytes().get(1)? {
        b'u' => {
            let high = hex(text.get(2..6)?)?;
            if let Some(c) = char::from_u32(high) {
                return Some((c, 6));
            }
            let low = hex(text.get(6..)?.strip_prefix("\\u")?.get(..4)?)?;
            let pair = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
            let c = char::decode_utf16(pair).next()?.ok()?;
            Some((c, 12))
        }
        b'x' => char::from_u32(hex(text.get(2..4)?)?).map(|c| (c, 4)),
        b'n' | b'r' | b't' => Some((' ', 2)),
        c @ (b'/' | b'"' | b'\'' | b'\\') => Some((char::from(*c), 2)),
        _ => None,
    }
}

/// `&amp;`, `&#64;`, `&#x40;`.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.as_bytes().iter().take(12).position(|byte| *byte == b';')?;
    let name = &text[1..end];
    let c = match name.to_ascii_lowercase().as_str() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "commat" => '@',
        "sol" => '/',
        "colon" => ':',
        "period" => '.',
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => hex(digits)?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}

fn hex(digits: &str) -> Option<u32> {
    let all_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disguise_is_taken_off_however_often_it_was_put_on() {
        let table = [
            ("ops%40acme.example", "ops@acme.example"),
            ("ops%2540acme.example", "ops@acme.example"),
            ("ops\\u0040acme", "ops@acme"),
            ("M\\u00fcller \\ud83d\\ude00", "Müller 😀"),
            ("M%C3%BCller %F0%9F%98%80", "Müller 😀"),
            ("O\\'Brien O&#39;Brien O&#x27;Brien O\\u0027Brien", "O'Brien O'Brien O'Brien O'Brien"),
            ("a &amp;amp; b", "a & b"),
            ("https:\\/\\/x", "https://x"),
            ("two\\nlines\r\n\u{7}  three", "two lines three"),
            ("A\u{200b}da Zoe\u{308}", "Ada Zoë"),
            // No escapes, or broken ones.
            (
                "100% & more; 5 %zz %C3 \\ud83d \\q &nope; &#xD800; %",
                "100% & more; 5 %zz %C3 \\ud83d \\q &nope; &#xD800; %",
            ),
        ];
        for (disguised, shown) in table {
            assert_eq!(plain(disguised), shown, "{disguised}");
        }
    }
}
