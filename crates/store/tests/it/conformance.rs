//! The one suite, on each store.

mod model {
    gangway_store::conformance_suite!(crate::harness::Model);
}

mod sqlite {
    gangway_store::conformance_suite!(crate::harness::Sqlite);
}

mod redis {
    gangway_store::conformance_suite!(crate::harness::Redis);
}

/// A story that is not listed would never run.
#[test]
fn every_story_is_listed() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conformance");
    let suite = include_str!("../../src/conformance.rs");
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let stories = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        for story in stories.filter_map(|line| line.split_once("<H: Harness>()").map(|(name, _)| name)) {
            assert!(suite.contains(&format!("    {story}")), "{story} of {} is not listed", path.display());
        }
    }
}
