//! What the fuzzer has found to be of interest, again with each run of the tests.

use std::path::{Path, PathBuf};

use gangway_fuzz::TARGETS;

fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

#[test]
fn no_input_that_was_kept_breaks_a_promise() {
    for (target, check) in TARGETS {
        let files = entries(&corpus().join(target)).unwrap();
        assert!(files.len() >= 3, "{target} has {} inputs", files.len());
        for file in files {
            let input = std::fs::read(&file).unwrap();
            let held = std::panic::catch_unwind(|| check(&input)).is_ok();
            assert!(held, "{} breaks a promise", file.display());
        }
    }
}

#[test]
fn each_corpus_has_a_target() {
    for folder in entries(&corpus()).unwrap() {
        assert!(
            TARGETS.iter().any(|(target, _)| folder.ends_with(target)),
            "{} is nobody's",
            folder.display()
        );
    }
}
