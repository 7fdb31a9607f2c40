//! Finding the row's own values in a text, however they are spelled there.

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

use super::{MASKS, VALUE};
use crate::mask::plain::plain;

/// Replaces every value. What begins at or after `limit` (in characters) is left out.
pub(super) fn replaced(text: &str, values: &[&str], limit: usize) -> String {
    let mut values: Vec<Vec<char>> =
        values.iter().map(|value| folded(&plain(value))).filter(|value| is_telling(value)).collect();
    // Longest first, so that a value inside another does not leave the other's rest standing.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len().min(limit) {
        if let Some(length) = mask_at(&chars[at..]) {
            out.extend(&chars[at..at + length]);
            at += length;
        } else if let Some(length) = values.iter().find_map(|value| value_at(&chars, at, value)) {
            out.push_str(VALUE);
            at += length;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// A mask is no text: a customer called "Value" must not mask it again.
fn mask_at(chars: &[char]) -> Option<usize> {
    MASKS.into_iter().map(|mask| mask.chars().count()).zip(MASKS).find_map(|(length, mask)| {
        chars.get(..length).is_some_and(|begin| begin.iter().copied().eq(mask.chars())).then_some(length)
    })
}

/// One letter tells nobody, unless it is a whole name, as in Chinese.
fn is_telling(value: &[char]) -> bool {
    value.len() > 1 || value.iter().copied().any(is_whole_word)
}

/// Letters of scripts that put no spaces between words.
const fn is_whole_word(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '\u{e00}'..='\u{eff}')
}

/// The length of the value at `at`. A short one ("Li") counts only as a whole word, or "limit" would lose its head.
fn value_at(chars: &[char], at: usize, value: &[char]) -> Option<usize> {
    let length = match_len(&chars[at..], value)?;
    let inside = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
    let within_a_word = at > 0 && inside(chars.get(at - 1)) || inside(chars.get(at + length));
    let short = value.len() <= 3 && !value.iter().copied().any(is_whole_word);
    (!short || !within_a_word).then_some(length)
}

/// How many characters of `chars` fold to `wanted`, if they begin with it.
fn match_len(chars: &[char], wanted: &[char]) -> Option<usize> {
    let mut matched = 0;
    let mut used = 0;
    for c in chars {
        let mut one = fold(*c);
        if matched == wanted.len() && one.clone().next().is_some() {
            break;
        }
        // In a URL or a form, a space is a plus.
        let is_space = *c == '+' && wanted.get(matched) == Some(&' ');
        if is_space {
            matched += 1;
        } else {
            if one.clone().next().is_none() && used == 0 {
                return None;
            }
            if !one.all(|folded| {
                matched += 1;
                wanted.get(matched - 1) == Some(&folded)
            }) {
                return None;
            }
        }
        used += 1;
    }
    (matched == wanted.len()).then_some(used)
}

fn folded(value: &str) -> Vec<char> {
    value.chars().flat_map(fold).collect()
}

/// Without case and accents: an API may write MÜLLER or Muller for Müller.
fn fold(c: char) -> impl Iterator<Item = char> + Clone {
    let mut parts = Vec::with_capacity(2);
    decompose_canonical(c, |part| {
        if !is_combining_mark(part) {
            match part {
                'ß' | 'ẞ' => parts.extend(['s', 's']),
                'ς' => parts.push('σ'),
                'ı' => parts.push('i'),
                '’' | '‘' | 'ʼ' => parts.push('\''),
                _ => parts.extend(part.to_lowercase().filter(|lower| !is_combining_mark(*lower))),
            }
        }
    });
    parts.into_iter()
}
