//! Files of settings and the environment.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::program::settings::{Environ, Settings};

/// Stands in the environment as a secret, and must never be shown.
const SECRET: &str = "zq9-hidden-from-everybody-7x";

/// A TOML file up to the first NUL; then `NAME=value`, one a line.
///
/// # Panics
/// If a fault is told without a word or with the secret in it, or settings that were taken cannot be used.
pub fn check(data: &[u8]) {
    let (file, variables) = split(data);
    let Some(path) = write(file) else { return };
    let own = [("GANGWAY__IDENTITY__SECRET".into(), SECRET.into())];
    let Ok(environ) = Environ::of(variables.into_iter().chain(own)) else { return };
    match Settings::load(Some(&path), environ) {
        Ok(settings) => usable(&settings),
        Err(problem) => {
            let shown = format!("{problem} {}", problem.help());
            assert!(shown.len() > 10, "a problem without a word: {shown}");
            assert!(!format!("{shown} {problem:?}").contains(SECRET), "a problem shows a secret");
        }
    }
}

fn split(data: &[u8]) -> (&[u8], Vec<(OsString, OsString)>) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let file = parts.next().unwrap_or_default();
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    (file, pairs.map(|(name, value)| (name.into(), value.into())).collect())
}

/// All that the program makes of settings at its start.
fn usable(settings: &Settings) {
    let sections = &settings.sections;
    assert!(sections.api().validate().is_ok(), "the client refuses settings that were taken");
    assert!(sections.poll_policy().validate().is_ok(), "polling refuses settings that were taken");
    let (_policies, _redis, _expected) = (sections.policies(), sections.redis_config(), sections.expected());
    let (_retry, _phrases, _identity) = (sections.retry_policy(), sections.phrases(), sections.identity());
    assert!(settings.layers.shown().count() > 0, "no settings");
    assert!(!format!("{settings:?}").contains(SECRET), "settings show a secret");
}

/// One file for each thread, over and over.
fn write(file: &[u8]) -> Option<PathBuf> {
    use std::cell::OnceCell;
    thread_local! {
        static FOLDER: OnceCell<Option<tempfile::TempDir>> = const { OnceCell::new() };
    }
    let path = FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().ok());
        folder.as_ref().map(|folder| folder.path().join("settings.toml"))
    })?;
    std::fs::write(&path, file).ok()?;
    Some(path)
}
