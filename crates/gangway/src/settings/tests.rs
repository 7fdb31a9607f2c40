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
    let name = crate::wiring::work::config(&sections).name;
    let theirs = gangway_worker::Config { name, ..gangway_worker::Config::default() };
    assert_eq!(crate::wiring::work::config(&sections), theirs);
}

#[test]
fn every_name_that_others_build_on_is_a_setting() {
    let table = [
        ("GANGWAY__STORE__URL", "sqlite:other.db"),
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
    let table = [
        ("GANGWAY__API__TIMEUOT", "1s", "no setting `api.timeuot`"),
        ("GANGWAY__API__TIMEOUT", "soon", "api.timeout cannot be read: \"soon\" is not a duration"),
        ("GANGWAY__API__TIMEOUT", "0s", "api.timeout must be longer than zero"),
        ("GANGWAY__API__AUTH", "basic", "api.auth cannot be read"),
        ("GANGWAY__API__BASE_URL", "http://api.1money.com", "api.base_url would send the credential"),
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
    let settings =
        load(&[("GANGWAY__IDENTITY__SECRET", "hush-hush"), ("ONEMONEY_SECRET_KEY", "c2VjcmV0")]).unwrap();
    let shown = format!("{:?} {:?}", settings.sections, settings.environ);
    assert!(!shown.contains("hush-hush") && !shown.contains("c2VjcmV0"), "{shown}");
}
