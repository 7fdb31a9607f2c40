//! The known name that somebody may have meant.

/// The candidate nearest to `word`, if one is near.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let whole = |candidate: &str| distance(word, candidate);
    let tail = |candidate: &str| distance(&last(word), &last(candidate)) + 1;
    candidates
        .into_iter()
        .map(|candidate| (whole(candidate).min(tail(candidate)), candidate))
        .filter(|(distance, _)| *distance <= 1 + word.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out or replaced.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_name() {
        let known = ["api.timeout", "api.base_url", "store.url", "worker.lease"];
        let table = [
            ("api.timeuot", Some("api.timeout")),
            ("api.baseurl", Some("api.base_url")),
            ("stroe.url", Some("store.url")),
            ("workers.lease", Some("worker.lease")),
            ("onemoney.base_url", Some("api.base_url")),
            ("something.else.entirely", None),
        ];
        for (word, meant) in table {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
