//! The passwords of the store: taken out of its url when the settings are loaded, so that nothing which shows the url can
//! show them. The whole url is for the store alone.

use std::path::Path;

use secrecy::SecretString;

use super::sections::Store;
use super::{Layers, Problem};

/// Replaces the store's url by one that is fit to be shown, and keeps the whole one apart, with the password of the file if
/// there is one.
pub(crate) fn take_out(store: &mut Store, layers: &Layers) -> Result<(), Problem> {
    let url = store.url.trim().to_owned();
    store.url = shown(&url);
    let file = store.password_file.trim();
    if !file.is_empty() {
        if is_file(&url) || login(&url).is_some_and(|login| login.contains(':')) || has_pass(&url) {
            let sentence = "store.password_file needs a store.url that names a server and holds no password";
            return Err(layers.blame(sentence.to_owned()));
        }
        let password = read(Path::new(file))?;
        if password.is_empty() {
            return Err(layers.blame(format!("store.password_file names {file}, which is empty")));
        }
        store.whole_url = Some(SecretString::from(with_password(&url, &password)));
    } else if store.url != url {
        store.whole_url = Some(SecretString::from(url));
    }
    Ok(())
}

/// A url without its passwords. Whatever could be one is left out, also of a url that cannot be used.
pub(crate) fn shown(url: &str) -> String {
    let url = url.trim();
    let (scheme, rest) = after_scheme(url);
    if is_file(url) {
        return url.to_owned();
    }
    if rest.split_once('?').is_some_and(|(_, query)| query.contains('@')) {
        // A password that should have been escaped: where it begins and ends is anybody's guess.
        return format!("{scheme}…");
    }
    let rest = match login(url).and_then(|login| login.split_once(':')) {
        Some((user, _password)) => {
            let (_login, hosts) = rest.rsplit_once('@').unwrap_or(("", rest));
            if user.is_empty() { hosts.to_owned() } else { format!("{user}@{hosts}") }
        }
        None => rest.to_owned(),
    };
    format!("{scheme}{}", without_passwords(&rest))
}

fn with_password(url: &str, password: &str) -> String {
    let (scheme, rest) = after_scheme(url);
    let (user, hosts) = rest.rsplit_once('@').unwrap_or(("", rest));
    format!("{scheme}{user}:{password}@{hosts}")
}

fn is_file(url: &str) -> bool {
    url.starts_with("sqlite:")
}

/// Whether a socket's url names its password behind the path; that of sentinels is another one.
fn has_pass(url: &str) -> bool {
    url.split_once('?').is_some_and(|(_, query)| query.split('&').any(|pair| pair.starts_with("pass=")))
}

fn after_scheme(url: &str) -> (&str, &str) {
    url.find("://").map_or(("", url), |at| url.split_at(at + "://".len()))
}

/// What stands before the hosts. The last `@` counts: a password may hold one that should have been escaped.
fn login(url: &str) -> Option<&str> {
    after_scheme(url).1.rsplit_once('@').map(|(login, _hosts)| login)
}

/// Without parameters such as `sentinel_password`, and `pass` of a socket.
fn without_passwords(rest: &str) -> String {
    let Some((front, query)) = rest.split_once('?') else { return rest.to_owned() };
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_lowercase();
    let others: Vec<&str> = query.split('&').filter(|pair| !name(pair).contains("pass")).collect();
    if others.is_empty() { front.to_owned() } else { format!("{front}?{}", others.join("&")) }
}

/// The password in a file, as a url takes it; blanks around it do not count.
fn read(path: &Path) -> Result<String, Problem> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| Problem::CredentialFile { path: path.to_owned(), source })?;
    Ok(encoded(text.trim()))
}

/// All but letters, digits and `-._~` with percent signs: fit for every place of a url.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let sign = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_url_is_shown_without_its_passwords() {
        for (url, fit) in [
            ("redis://host:6379/0", "redis://host:6379/0"),
            ("redis://me@host", "redis://me@host"),
            ("redis://me:pw@host:6379/0", "redis://me@host:6379/0"),
            (" redis://:pw@host ", "redis://host"),
            ("rediss://me:p%40w@[::1]:6379", "rediss://me@[::1]:6379"),
            ("redis+sentinel://me:pw@a:1,b:2/main/3", "redis+sentinel://me@a:1,b:2/main/3"),
            (
                "redis+sentinel://a/main?sentinel_user=s&sentinel_password=pw",
                "redis+sentinel://a/main?sentinel_user=s",
            ),
            ("redis+cluster://me:pw@a:1,b:2", "redis+cluster://me@a:1,b:2"),
            ("unix:///run/r.sock?db=1", "unix:///run/r.sock?db=1"),
            ("unix://me:pw@/run/r.sock?db=1&pass=pw", "unix://me@/run/r.sock?db=1"),
            ("unix:///run/r.sock?user=me&pass=pw&db=1", "unix:///run/r.sock?user=me&db=1"),
            ("sqlite:/srv/me:pw@host/g.db", "sqlite:/srv/me:pw@host/g.db"),
            // None of these can be used, and none may tell its password either.
            ("redis:me:pw@host", "redis@host"),
            ("me:pw@host", "me@host"),
            ("redis://me:p@/#w@host", "redis://me@host"),
            ("redis://me:p?pass=w@host", "redis://…"),
            ("unix:///run/r.sock?a=b:c&pass=p@w", "unix://…"),
        ] {
            assert_eq!(shown(url), fit, "{url}");
        }
    }

    #[test]
    fn a_socket_may_name_its_password_behind_the_path() {
        for (url, has) in [
            ("unix:///run/r.sock?pass=pw", true),
            ("unix:///run/r.sock?db=1&pass=pw", true),
            ("unix:///run/r.sock?db=1", false),
            ("redis+sentinel://a/main?sentinel_password=pw", false),
        ] {
            assert_eq!(has_pass(url), has, "{url}");
        }
    }

    #[test]
    fn every_sign_of_a_password_file_can_stand_in_a_url() {
        assert_eq!(encoded("aZ9-._~"), "aZ9-._~");
        assert_eq!(encoded("p@s/s?#%[é"), "p%40s%2Fs%3F%23%25%5B%C3%A9");
    }
}
