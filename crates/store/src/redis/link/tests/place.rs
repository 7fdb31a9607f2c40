//! Urls: what they name, and that no message tells a password.

use super::config;
use crate::Error;
use crate::redis::link::Server;
use crate::redis::link::url::{Address, Place};

fn login(address: &Address) -> (Option<&str>, Option<&str>) {
    (address.login.user.as_deref(), address.login.password.as_deref())
}

#[test]
fn a_url_names_its_place() {
    let table = [
        ("redis://h", "redis://h:6379"),
        ("redis://h:7/", "redis://h:7"),
        ("redis://h/0", "redis://h:6379"),
        ("redis://u:p@h/4", "redis://h:6379/4"),
        ("rediss://[::1]:7", "rediss://[::1]:7"),
        ("rediss://[fe80::1]", "rediss://[fe80::1]:6379"),
        ("unix:/run/redis.sock", "unix:///run/redis.sock"),
        ("unix:///run/redis%20one.sock?db=3", "unix:///run/redis one.sock?db=3"),
        ("redis+unix://:p@/run/redis.sock", "unix:///run/redis.sock"),
        ("unix:///run/redis.sock?user=u&pass=p&db=3", "unix:///run/redis.sock?db=3"),
        ("redis+sentinel://h/main", "redis+sentinel://h:26379/main"),
        ("redis+sentinel://u:p@a,b:5/main/2?sentinel_password=s", "redis+sentinel://a:26379,b:5/main/2"),
        ("rediss+sentinel://a/main", "rediss+sentinel://a:26379/main"),
        ("redis+cluster://u:p@a:1,b/0", "redis+cluster://a:1,b:6379"),
        ("rediss+cluster://a", "rediss+cluster://a:6379"),
    ];
    for (url, place) in table {
        let address = Address::parse(url).unwrap();
        assert_eq!(address.to_string(), place, "{url}");
        assert_eq!(address.tls, url.starts_with("rediss"), "{url}");
    }
}

#[test]
fn credentials_are_percent_decoded() {
    let table = [
        ("redis://h", (None, None)),
        ("redis://:p@h", (None, Some("p"))),
        ("redis://u@h", (Some("u"), None)),
        ("redis://u%40x:p%2F%3f%23%40%C3%BC@h", (Some("u@x"), Some("p/?#@ü"))),
        ("redis://u:a:b@h", (Some("u"), Some("a:b"))),
        ("redis://:a@b@h", (None, Some("a@b"))),
        ("unix://u:p@/s", (Some("u"), Some("p"))),
        ("unix:///s?user=u&pass=p%2F", (Some("u"), Some("p/"))),
        ("unix:/s?pass=p", (None, Some("p"))),
        ("unix://:p@/s?user=u", (Some("u"), Some("p"))),
    ];
    for (url, expected) in table {
        assert_eq!(login(&Address::parse(url).unwrap()), expected, "{url}");
    }
    let address = Address::parse("redis+sentinel://:m@h/x?sentinel_user=su&sentinel_password=s%26p").unwrap();
    let Place::Sentinel { login, master, .. } = &address.place else { panic!("{address:?}") };
    assert_eq!((login.user.as_deref(), login.password.as_deref()), (Some("su"), Some("s&p")));
    assert_eq!(master, "x");
}

#[test]
fn a_wrong_url_is_refused_without_a_word_of_its_password() {
    let table = [
        ("redis://:secret@h:port", "port"),
        ("redis://:secret@h:99999", "port"),
        ("redis://:secret@", "no host"),
        ("redis://u:secret", "port"),
        ("redis://:secret@h/one", "database"),
        ("redis://:secret@h/-1", "database"),
        ("redis://:secret@a,b", "several servers"),
        ("redis://:secret@h?secret=secret", "parameter"),
        ("redis://:sec/secret@h", "percent-encoded"),
        ("redis://:sec?secret@h", "percent-encoded"),
        ("redis://:sec#secret@h", "percent-encoded"),
        ("redis://:secret%FF@h", "UTF-8"),
        ("unix://secret", "no socket"),
        ("unix:///s?secret=1", "known are db and user and pass"),
        ("unix://:secret@/s?pass=secret", "twice"),
        ("unix:///s?pass=sec@secret", "percent-encoded"),
        ("redis+sentinel://:secret@h", "no master"),
        ("redis+sentinel://:secret@h/main?secret=secret", "known are sentinel_user and sentinel_password"),
        ("redis+cluster://:secret@h/1", "has only 0"),
        ("redis+cluster://:secret@a,,b", "no host"),
    ];
    for (url, says) in table {
        let error = Server::parse(url, &config()).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(matches!(error, Error::Setting { .. }), "{url}: {text}");
        assert!(text.contains(says) && !text.contains("secret"), "{url}: {text}");
    }
    for url in ["", "redis", "http://:secret@h", "sqlite:secret", "Redis://:secret@h"] {
        let error = Server::parse(url, &config()).unwrap_err();
        assert!(matches!(error, Error::UnsupportedUrl { .. }), "{url}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{url}: {error}");
    }
    let server = Server::parse("redis+sentinel://:secret@h/m?sentinel_password=secret", &config()).unwrap();
    assert!(!format!("{server:?} {:?}", server.address).contains("secret"));
}
