//! Masking: what the API said, made fit to be stored and shown.
//!
//! An API's error text may repeat the row (an e-mail, a name), hand out a URL, or carry a token. Nothing of that may
//! reach a log, an event or a dead letter, so a text passes [`masked`] once, where it enters. It is masked in plain: escapes
//! of URLs, JSON and HTML are undone first, or a name would get by in disguise.

mod plain;
mod values;

pub(crate) use plain::is_invisible;

/// The longest text kept, in characters.
pub const MAX_CHARS: usize = 200;

/// How much of a text is looked at. Generous for what is kept, and a 10 MB answer costs no more than a short one.
const LOOKED_AT: usize = MAX_CHARS * 8;

const VALUE: &str = "[value]";
const EMAIL: &str = "[email]";
const URL: &str = "[url]";
const TOKEN: &str = "[token]";
const MASKS: [&str; 4] = [VALUE, EMAIL, URL, TOKEN];

/// The text without the given values, without anything that looks like an e-mail, a URL, a UUID or a long token, without
/// control characters, and cut to [`MAX_CHARS`]. Masking a masked text changes nothing.
pub fn masked(text: &str, values: &[&str]) -> String {
    let (head, is_cut) = head(text, LOOKED_AT);
    let head = plain::plain(head);
    let longest = values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
    // A value that the cut goes through is not recognized: what could be the beginning of one is left out.
    let limit = if is_cut { head.chars().count().saturating_sub(longest) } else { usize::MAX };
    let text = values::replaced(&head, values, limit);
    let text = if is_cut { whole_words(&text) } else { &text };
    let kept: String = mask_words(text).chars().take(MAX_CHARS).collect();
    kept.trim_end().to_owned()
}

fn head(text: &str, max: usize) -> (&str, bool) {
    match text.char_indices().nth(max) {
        None => (text, false),
        Some((end, _)) => (whole_words(&text[..end]), true),
    }
}

/// Without the last word, which the cut may have gone through.
fn whole_words(text: &str) -> &str {
    text.rsplit_once(char::is_whitespace).map_or("", |(whole, _cut)| whole)
}

fn mask_words(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let masked = words.iter().enumerate().map(|(at, word)| {
        // `ops @ acme.example`: the words beside a loose @ are the address.
        let before = at > 0 && is_at(words[at - 1].chars().next_back());
        let after = words.get(at + 1).is_some_and(|next| is_at(next.chars().next()));
        let is_part = (before || after) && word.contains(char::is_alphanumeric);
        if is_part && !MASKS.contains(word) { EMAIL.to_owned() } else { mask_word(word) }
    });
    masked.collect::<Vec<_>>().join(" ")
}

fn is_at(c: Option<char>) -> bool {
    c.is_some_and(|c| matches!(c, '@' | '＠' | '﹫'))
}

fn mask_word(word: &str) -> String {
    // Inside punctuation, so that `"a@b.c",` keeps its quotes and comma.
    let core = word.trim_matches(|c: char| !c.is_alphanumeric() && !is_at(Some(c)));
    let mask = if !core.contains(char::is_alphanumeric) {
        return word.to_owned();
    } else if is_url(core) {
        URL
    } else if core.contains(|c| is_at(Some(c))) {
        EMAIL
    } else if core.split(|c: char| !is_token_char(c)).any(looks_secret) {
        TOKEN
    } else {
        return word.to_owned();
    };
    // The brackets of a mask are no punctuation around a word.
    let holds_a_mask = MASKS.into_iter().any(|mask| word.contains(mask));
    if holds_a_mask { mask.to_owned() } else { word.replacen(core, mask, 1) }
}

/// With a scheme; or without one, a host and a path.
fn is_url(core: &str) -> bool {
    let lower = core.to_lowercase();
    let host_and_path = || {
        lower.split_once('/').is_some_and(|(host, path)| {
            let name = host.rsplit_once('.').is_some_and(|(_, top)| top.chars().any(char::is_alphabetic));
            name && path.contains(char::is_alphanumeric)
        })
    };
    lower.contains("://") || lower.starts_with("www.") || host_and_path()
}

const fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/' | '.' | '~')
}

/// 20 or more characters out of a token's alphabet with a digit among them, or 32 without: no word of a sentence.
fn looks_secret(part: &str) -> bool {
    part.len() >= 32 || part.len() >= 20 && part.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
