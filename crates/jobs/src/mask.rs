//! Masking: what the API said, made fit to be stored and shown.
//!
//! An API's error text may repeat the row (an e-mail, a name), hand out a URL, or carry a token. Nothing of that may
//! reach a log, an event or a dead letter, so a text passes [`masked`] once, where it enters.

/// The longest text kept, in characters.
pub const MAX_CHARS: usize = 200;

/// The text without the given values, without anything that looks like an e-mail, a URL, a UUID or a long token, without
/// control characters, and cut to [`MAX_CHARS`]. Masking a masked text changes nothing.
pub fn masked(text: &str, values: &[&str]) -> String {
    // Cut before the work, generously: a 10 MB answer costs no more than a short one. Words hold no cut secret,
    // because a word that the cut went through is dropped.
    let text = head(text, MAX_CHARS * 8);
    let mut text = text.to_owned();
    let mut values: Vec<&str> =
        values.iter().copied().map(str::trim).filter(|value| value.chars().count() > 1).collect();
    // Longest first, so that a value inside another does not leave the other's rest standing.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    for value in values {
        text = replace_ignoring_case(&text, value, "[value]");
    }
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(mask_word)
        .collect();
    words.join(" ").chars().take(MAX_CHARS).collect()
}

fn head(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        None => text,
        Some((end, _)) => text[..end].rsplit_once(char::is_whitespace).map_or("", |(whole, _cut)| whole),
    }
}

fn mask_word(word: &str) -> String {
    if word.contains("://") || word.starts_with("www.") {
        return "[url]".to_owned();
    }
    // Inside punctuation, so that `"a@b.c",` keeps its quotes and comma.
    let edge = |c: char| !c.is_alphanumeric();
    let core = word.trim_matches(edge);
    let mask = if core.contains('@') || core.contains("%40") {
        "[email]"
    } else if core.split(|c: char| "=:,;()\"'<>{}&?".contains(c)).any(looks_secret) {
        "[token]"
    } else {
        return word.to_owned();
    };
    word.replacen(core, mask, 1)
}

/// 20 or more characters out of a token's alphabet with a digit among them, or 32 without: no word of a sentence.
fn looks_secret(part: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/' | '.' | '~');
    let length = part.chars().count();
    part.chars().all(token) && (length >= 32 || length >= 20 && part.chars().any(|c| c.is_ascii_digit()))
}

fn replace_ignoring_case(text: &str, value: &str, with: &str) -> String {
    let fold = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let wanted = fold(value);
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        match match_len(&chars[at..], &wanted) {
            Some(length) if is_word_edge(&chars, at, length) => {
                out.push_str(with);
                at += length;
            }
            _ => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    out
}

/// A short value ("Li") is masked only as a whole word, or "limit" would lose its head.
fn is_word_edge(chars: &[char], at: usize, length: usize) -> bool {
    let inside = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
    length > 3 || !(at > 0 && inside(chars.get(at - 1)) || inside(chars.get(at + length)))
}

/// How many characters of `chars` fold to `wanted`, if they begin with it.
fn match_len(chars: &[char], wanted: &[char]) -> Option<usize> {
    let mut matched = 0;
    for (used, c) in chars.iter().enumerate() {
        for folded in c.to_lowercase() {
            if wanted.get(matched) != Some(&folded) {
                return None;
            }
            matched += 1;
        }
        if matched == wanted.len() {
            return Some(used + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_personal_or_secret_is_gone() {
        let table = [
            (
                "Customer with email Ops@Acme.Example already exists",
                "Customer with email [value] already exists",
            ),
            ("other@acme.example is taken", "[email] is taken"),
            ("\"x@y.example\", no", "\"[email]\", no"),
            ("see https://api.example/t?token=abc now", "see [url] now"),
            ("token=eyJhbGciOiJIUzI1NiIsInR5cCI6 bad", "[token] bad"),
            ("id 0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11 gone", "id [token] gone"),
            ("LI is no limit", "[value] is no limit"),
            ("line\nbreak\u{7}bell", "line break bell"),
        ];
        for (said, kept) in table {
            assert_eq!(masked(said, &["ops@acme.example", "Li"]), kept);
        }
    }

    #[test]
    fn the_text_is_bounded_and_masking_twice_changes_nothing() {
        let long = "quota reached ".repeat(1000);
        let once = masked(&long, &[]);
        assert!(once.chars().count() <= MAX_CHARS);
        assert_eq!(masked(&once, &[]), once);
        assert_eq!(masked(&"x".repeat(10_000), &[]), "");
    }
}
