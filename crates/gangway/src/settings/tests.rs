use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;

fn load(variables: &[(&str, &str)]) -> Result<Settings, Problem> {
    load_file(None, variables)
}

fn load_file(file: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings, Problem> {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let environ = Environ::of(variables)?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.toml");
    if let Some(text) = file {
        std::fs::write(&path, text).unwrap();
    }
    Settings::load(file.is_some().then_some(path.as_path()), environ)
}

#[test]
fn the_defaults_are_valid_and_are_those_of_the_libraries() {
    let sections = load(&[]).unwrap().sections;
    let (ours, theirs) = (sections.api(), gangway_onemoney::Config::default());
    assert_eq!(
        (ours.base_url, ours.timeout, ours.connect_timeout, ours.max_body, ours.max_wait),
        (theirs.base_url, theirs.timeout, theirs.connect_timeout, theirs.max_body, theirs.max_wait)
    );
    assert_eq!(sections.policies(), gangway_store::Policies::default());
    assert_eq!(sections.redis_config(), gangway_store::redis::RedisConfig::default());
    assert!(sections.is_strict() && !ours.allow_plain_http && !theirs.allow_plain_http);
    let name = crate::wiring::work::config(&sections).name;
    let theirs = gangway_worker::Config { name, ..gangway_worker::Config::default() };
    assert_eq!(crate::wiring::work::config(&sections), theirs);
}

#[test]
fn every_name_that_others_build_on_is_a_setting() {
    let table = [
        ("GANGWAY__STORE__URL", "sqlite:other.db"),
        ("GANGWAY__STORE__NAMESPACE", "acme.eu-1"),
        ("GANGWAY__STORE__DURABILITY", "best-effort"),
        ("GANGWAY__STORE__CA_FILE", "/run/tls/ca.pem"),
        ("GANGWAY__STORE__CLIENT_CERTIFICATE", "/run/tls/client.pem"),
        ("GANGWAY__STORE__CLIENT_KEY", "/run/tls/client.key"),
        ("GANGWAY__STORE__CONNECT_TIMEOUT", "1s"),
        ("GANGWAY__STORE__RESPONSE_TIMEOUT", "3s"),
        ("GANGWAY__API__ALLOW_PLAIN_HTTP", "true"),
        ("GANGWAY__API__BASE_URL", "http://127.0.0.1:9"),
        ("GANGWAY__API__AUTH", "bearer"),
        ("GANGWAY__API__TIMEOUT", "20s"),
        ("GANGWAY__API__RATE_PER_SECOND", "2.5"),
        ("GANGWAY__API__ENTITY", "1e5"),
        ("GANGWAY__WORKER__CONCURRENCY", "7"),
        ("GANGWAY__WORKER__LEASE", "500ms"),
        ("GANGWAY__RETRY__INITIAL", "50ms"),
        ("GANGWAY__RETRY__MAX", "1h"),
        ("GANGWAY__RETRY__MAX_ATTEMPTS", "3"),
        ("GANGWAY__POLL__MIN_INTERVAL", "50ms"),
        ("GANGWAY__POLL__MAX_INTERVAL", "1s"),
        ("GANGWAY__LINK__POLICY", "on_demand"),
        ("GANGWAY__CIRCUIT__PROBE_INTERVAL", "50ms"),
        ("GANGWAY__SYSTEMIC__GIVE_UP", "14d"),
        ("GANGWAY__CREATE__SETTLE_WINDOW", "90s"),
        ("GANGWAY__IDENTITY__SECRET", "0123456789"),
        ("GANGWAY__API__ROW_PHRASES", "one, two"),
    ];
    let settings = load(&table).unwrap();
    for (variable, _) in table {
        let key = variable["GANGWAY__".len()..].to_lowercase().replace("__", ".");
        assert_eq!(settings.layers.origin(&key), variable);
    }
    assert_eq!(settings.sections.api.entity, "1e5");
    assert_eq!(settings.sections.api.row_phrases, ["one", "two"]);
    assert_eq!(settings.sections.worker.concurrency, 7);
    assert!(!settings.sections.eager_links());
}

#[test]
fn the_environment_stands_above_a_file_and_a_file_above_the_defaults() {
    let file = "[api]\ntimeout = \"20s\"\nentity = \"file\"\n";
    let settings = load_file(Some(file), &[("GANGWAY__API__ENTITY", "variable")]).unwrap();
    assert_eq!(settings.sections.api.entity, "variable");
    assert_eq!(settings.sections.api.timeout.as_secs(), 20);
    assert!(settings.layers.origin("api.timeout").ends_with("some.toml"));
    assert_eq!(settings.layers.origin("api.auth"), "default");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    assert_eq!(load(&[("GANGWAY__API__ENTITY", "")]).unwrap().sections.api.entity, "default");
}

#[test]
fn each_fault_names_the_setting_and_where_it_is_from() {
    let long = "n".repeat(65);
    let table = [
        ("GANGWAY__API__TIMEUOT", "1s", "no setting `api.timeuot`"),
        ("GANGWAY__API__TIMEOUT", "soon", "api.timeout cannot be read: \"soon\" is not a duration"),
        ("GANGWAY__API__TIMEOUT", "0s", "api.timeout must be longer than zero"),
        ("GANGWAY__API__AUTH", "basic", "api.auth cannot be read"),
        ("GANGWAY__API__BASE_URL", "http://api.1money.com", "api.base_url would send the credential"),
        (
            "GANGWAY__API__BASE_URL",
            "http://simulator:8080",
            "for test servers only there is api.allow_plain_http",
        ),
        ("GANGWAY__API__ALLOW_PLAIN_HTTP", "perhaps", "api.allow_plain_http cannot be read"),
        ("GANGWAY__STORE__NAMESPACE", "{gangway}", "store.namespace must have 1 to 64"),
        ("GANGWAY__STORE__NAMESPACE", long.as_str(), "store.namespace must have 1 to 64"),
        ("GANGWAY__STORE__DURABILITY", "best_effort", "store.durability cannot be read"),
        (
            "GANGWAY__STORE__CLIENT_CERTIFICATE",
            "client.pem",
            "store.client_certificate and store.client_key go together",
        ),
        (
            "GANGWAY__STORE__CLIENT_KEY",
            "client.key",
            "store.client_certificate and store.client_key go together",
        ),
        ("GANGWAY__STORE__BUSY_TIMEOUT", "0s", "store.busy_timeout must be more than zero"),
        ("GANGWAY__STORE__CONNECT_TIMEOUT", "0s", "store.connect_timeout and"),
        ("GANGWAY__STORE__RESPONSE_TIMEOUT", "0ms", "store.response_timeout must be"),
        (
            "GANGWAY__STORE__PASSWORD_FILE",
            "password",
            "store.password_file needs a store.url that names a server",
        ),
        ("GANGWAY__API__RATE_PER_SECOND", "0", "api.rate_per_second must be more than 0"),
        ("GANGWAY__API__RATE_PER_SECOND", "many", "api.rate_per_second cannot be read"),
        ("GANGWAY__API__ROW_PHRASES", "a,,b", ""),
        ("GANGWAY__WORKER__CONCURRENCY", "0", "worker.concurrency must lie between"),
        ("GANGWAY__WORKER__CONCURRENCY", "-1", "worker.concurrency cannot be read"),
        ("GANGWAY__WORKER__LEASE", "10ms", "worker.lease must be at least 100ms"),
        ("GANGWAY__WORKER__GRACE", "30s", "worker.grace (30s) must be longer than api.timeout (30s)"),
        ("GANGWAY__WORKER__JOB_TIMEOUT", "30s", "worker.job_timeout (30s) must be longer than api.timeout"),
        ("GANGWAY__API__TIMEOUT", "1h", "worker.grace (40s) must be longer than api.timeout (1h)"),
        ("GANGWAY__CREATE__SETTLE_WINDOW", "1s", "create.settle_window (1s) must be at least"),
        ("GANGWAY__RETRY__JITTER", "2", "retry.jitter must lie between 0 and 1"),
        ("GANGWAY__POLL__MIN_INTERVAL", "2h", "poll.min_interval must be"),
        ("GANGWAY__SYSTEMIC__SUSPECTS", "1", "systemic.suspects must be at least 2"),
        ("GANGWAY__LINK__POLICY", "lazy", "link.policy cannot be read"),
    ];
    for (variable, value, fault) in table {
        match load(&[(variable, value)]) {
            Err(problem) => {
                let text = problem.to_string();
                assert!(text.contains(fault) && text.contains(variable), "{variable}={value}: {text}");
            }
            Ok(_) => assert_eq!(fault, "", "{variable}={value} was taken"),
        }
    }
}

#[test]
fn the_settings_of_a_redis_reach_it() {
    let redis = load(&[
        ("GANGWAY__STORE__NAMESPACE", "acme"),
        ("GANGWAY__STORE__CA_FILE", "ca.pem"),
        ("GANGWAY__STORE__CLIENT_CERTIFICATE", "client.pem"),
        ("GANGWAY__STORE__CLIENT_KEY", "client.key"),
        ("GANGWAY__STORE__CONNECT_TIMEOUT", "1s"),
        ("GANGWAY__STORE__RESPONSE_TIMEOUT", "3s"),
    ]);
    let expected = gangway_store::redis::RedisConfig {
        namespace: "acme".to_owned(),
        ca_file: Some("ca.pem".into()),
        client_certificate: Some("client.pem".into()),
        client_key: Some("client.key".into()),
        connect_timeout: Duration::from_secs(1),
        response_timeout: Duration::from_secs(3),
    };
    assert_eq!(redis.unwrap().sections.redis_config(), expected);
    let lax = load(&[("GANGWAY__STORE__DURABILITY", "best-effort")]).unwrap();
    assert!(!lax.sections.is_strict());
}

#[test]
fn plain_http_to_a_test_server_is_allowed_outside_of_production_only() {
    let simulator =
        [("GANGWAY__API__BASE_URL", "http://simulator:8080"), ("GANGWAY__API__ALLOW_PLAIN_HTTP", "true")];
    for (name, allowed) in [("staging", true), ("production", false), ("Production", false)] {
        let loaded = load(&[&simulator[..], &[("GANGWAY_ENV", name)]].concat());
        assert_eq!(loaded.is_ok(), allowed, "{name}");
        if let Err(problem) = loaded {
            let text = problem.to_string();
            assert!(text.starts_with("api.allow_plain_http must be false"), "{text}");
            assert!(text.contains("GANGWAY__API__ALLOW_PLAIN_HTTP"), "{text}");
        }
    }
}

#[test]
fn the_password_of_the_store_is_kept_apart_from_its_url() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let file = |text: &str| {
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let whole = |url: &str, text: Option<&str>| {
        let path = text.map(file);
        let path = path.iter().map(|path| ("GANGWAY__STORE__PASSWORD_FILE", path.as_str()));
        let variables: Vec<_> = path.chain([("GANGWAY__STORE__URL", url)]).collect();
        load(&variables).map(|settings| settings.sections.store_url().expose_secret().to_owned())
    };
    for (url, text, expected) in [
        ("sqlite:/srv/a@b:c.db", None, "sqlite:/srv/a@b:c.db"),
        ("redis://host/0", None, "redis://host/0"),
        ("redis://me:p%40w@host:6379/0", None, "redis://me:p%40w@host:6379/0"),
        ("redis://:pw@host", None, "redis://:pw@host"),
        ("redis://me@host", Some("p@w/\n"), "redis://me:p%40w%2F@host"),
        ("rediss://host:6379/1", Some("pw"), "rediss://:pw@host:6379/1"),
        (
            "redis+sentinel://me@a:1,b:2/main?sentinel_password=s",
            Some("pw"),
            "redis+sentinel://me:pw@a:1,b:2/main?sentinel_password=s",
        ),
        ("unix:///run/r.sock?db=1", Some("p w"), "unix://:p%20w@/run/r.sock?db=1"),
    ] {
        assert_eq!(whole(url, text).unwrap(), expected, "{url}");
    }
    for (url, text, fault) in [
        ("redis://me:pw@host", Some("pw"), "store.password_file needs a store.url"),
        ("redis://me@host", Some(" \n"), "which is empty"),
    ] {
        let problem = whole(url, text).unwrap_err().to_string();
        assert!(problem.contains(fault) && problem.contains("GANGWAY__STORE__PASSWORD_FILE"), "{problem}");
    }
    let missing = load(&[
        ("GANGWAY__STORE__URL", "redis://me@host"),
        ("GANGWAY__STORE__PASSWORD_FILE", "/nowhere/password"),
    ]);
    assert!(matches!(missing, Err(Problem::CredentialFile { path, .. }) if path.ends_with("password")));
}

#[test]
fn a_broken_file_is_named_and_an_unknown_key_finds_its_neighbour() {
    let problem = load_file(Some("[api]\ntimeout = \n"), &[]).unwrap_err();
    assert!(matches!(&problem, Problem::File { path, .. } if path.ends_with("some.toml")), "{problem}");
    let problem = load_file(Some("[worker]\nconcurency = 3\n"), &[]).unwrap_err();
    assert!(problem.help().contains("worker.concurrency"), "{}", problem.help());
    assert!(problem.to_string().contains("some.toml"));
    let problem = load_file(Some("[api]\ntimeout = 30\n"), &[]).unwrap_err();
    assert!(problem.to_string().contains("api.timeout cannot be read"), "{problem}");
}

#[test]
fn a_credential_is_read_from_variables_or_files_and_missing_parts_are_named() {
    let read = |variables: &[(&str, &str)]| credentials::Source::new(&load(variables).unwrap()).read();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let both = read(&[("ONEMONEY_ACCESS_KEY", "ak"), ("ONEMONEY_SECRET_KEY", "c2VjcmV0")]).unwrap();
    let files = read(&[
        ("ONEMONEY_ACCESS_KEY_FILE", &at("access", "ak\n")),
        ("ONEMONEY_SECRET_KEY_FILE", &at("secret", "c2VjcmV0\n")),
    ]);
    let one_file =
        at("both.env", "# keys\nexport ONEMONEY_ACCESS_KEY=ak\nONEMONEY_SECRET_KEY = \"c2VjcmV0\"\n");
    let one = read(&[("GANGWAY__API__CREDENTIALS_FILE", &one_file)]);
    assert_eq!(files.unwrap().fingerprint(), both.fingerprint());
    assert_eq!(one.unwrap().fingerprint(), both.fingerprint());

    let missing = read(&[("ONEMONEY_ACCESS_KEY", "ak")]).unwrap_err();
    assert!(missing.help().contains("ONEMONEY_SECRET_KEY"), "{}", missing.help());
    assert!(read(&[("ONEMONEY_ACCESS_KEY", "ak"), ("GANGWAY__API__AUTH", "bearer")]).is_ok());
    let empty = at("empty.env", "");
    let missing = read(&[("GANGWAY__API__CREDENTIALS_FILE", &empty)]).unwrap_err();
    assert!(missing.to_string().contains("no line ONEMONEY_ACCESS_KEY="), "{missing}");
}

#[test]
fn no_secret_is_ever_shown() {
    let settings = load(&[
        ("GANGWAY__IDENTITY__SECRET", "hush-hush"),
        ("GANGWAY__STORE__URL", "redis://me:hunter2@host"),
        ("ONEMONEY_SECRET_KEY", "c2VjcmV0"),
    ]);
    let settings = settings.unwrap();
    let url = settings.layers.shown().find(|(key, ..)| *key == "store.url").unwrap().1;
    assert_eq!(url, "redis://me@host");
    let shown = format!("{settings:?} {:?}", settings.sections.redis_config());
    for secret in ["hush-hush", "hunter2", "c2VjcmV0"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_broken_file_is_told_of_without_quoting_it() {
    for broken in ["[identity]\nsecret = \"hush-hush\n", "[store]\nurl = redis://me:hush-hush@host\n"] {
        let problem = load_file(Some(broken), &[]).unwrap_err().to_string();
        assert!(problem.contains("line 2, column") && !problem.contains("hush-hush"), "{problem}");
    }
}

#[test]
fn no_refusal_of_a_store_shows_its_password() {
    for url in ["redis://me:hunter2/@host", "redis:me:hunter2@host", "redis://me:hunter2@host"] {
        let file = ("GANGWAY__STORE__PASSWORD_FILE", "/nowhere/password");
        let problem = load(&[("GANGWAY__STORE__URL", url), file]).unwrap_err();
        let shown = format!("{problem} {problem:?} {}", problem.help());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
