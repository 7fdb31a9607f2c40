//! `docs/outbox-events.md` against the code and against real events.

use std::collections::{BTreeMap, BTreeSet};

use gangway_jobs::event::EventType;
use gangway_jobs::failure::Code;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::folder::Folder;

const DOC: &str = include_str!("../../../../docs/outbox-events.md");

/// The schemas of the page.
struct Schemas {
    envelope: Validator,
    data: BTreeMap<String, Validator>,
}

impl Schemas {
    /// Reads them; fails unless there is one of the envelope and one of each type, and no other.
    fn of_the_page() -> Self {
        let mut by_name = BTreeMap::new();
        for schema in json_blocks().filter(|block| block.get("$id").is_some()) {
            let id = schema["$id"].as_str().unwrap();
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{id}");
            assert_eq!(schema["additionalProperties"], false, "{id}");
            let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
            let name = id.strip_prefix("gangway:").unwrap().to_owned();
            assert!(by_name.insert(name, validator).is_none(), "{id} is there twice");
        }
        let envelope = by_name.remove("event").unwrap();
        assert_eq!(by_name.keys().map(String::as_str).collect::<BTreeSet<_>>(), all_types());
        Self { envelope, data: by_name }
    }

    /// What is wrong with an event; nothing if it is as the page says.
    fn faults(&self, event: &Value) -> Vec<String> {
        let data = &self.data[event["type"].as_str().unwrap()];
        let faults = self.envelope.iter_errors(event).chain(data.iter_errors(&event["data"]));
        faults.map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
    }

    /// Checks events, one a line; answers them.
    #[track_caller]
    fn check(&self, lines: &str) -> Vec<Value> {
        let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for event in &events {
            assert_eq!(self.faults(event), Vec::<String>::new(), "{event}");
        }
        events
    }
}

fn json_blocks() -> impl Iterator<Item = Value> {
    DOC.split("```json\n")
        .skip(1)
        .map(|rest| serde_json::from_str(rest.split("```").next().unwrap()).unwrap())
}

fn all_types() -> BTreeSet<&'static str> {
    EventType::ALL.into_iter().map(EventType::as_str).collect()
}

fn types(events: &[Value]) -> BTreeSet<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// Events of a demo, and of what happens in no demo. Together they are of every type.
fn real_events(schemas: &Schemas) -> Vec<Value> {
    let mut events = events_of_a_demo(schemas);
    events.extend(events_of_ends_and_beginnings(schemas));
    assert_eq!(types(&events), all_types());
    events
}

fn events_of_a_demo(schemas: &Schemas) -> Vec<Value> {
    let folder = Folder::new();
    let demo = folder.run(["demo", "--customers", "100", "--faults", "default", "--json"]);
    assert_eq!(demo.code, 0, "{demo:?}");
    schemas.check(&folder.read("gangway-demo/outbox.ndjson"))
}

/// Expired, reopened, cancelled, erased and dead.
fn events_of_ends_and_beginnings(schemas: &Schemas) -> Vec<Value> {
    let mut folder = Folder::new();
    for (name, value) in [
        ("GANGWAY__API__RATE_PER_SECOND", "2000"),
        ("GANGWAY__POLL__MIN_INTERVAL", "50ms"),
        ("GANGWAY__POLL__MAX_INTERVAL", "200ms"),
        ("GANGWAY__POLL__GIVE_UP_AFTER", "400ms"),
    ] {
        folder.set(name, value);
    }
    // Nobody acts, so that the customers stay at their forms.
    folder.write("knobs.json", r#"{"lifecycle":{"users":false}}"#);
    let _simulator = folder.simulate(&["--rate", "0", "--speed", "1", "--knobs", "knobs.json"]);
    let customers = "reference,email,first_name,last_name,company_name\n\
                     C-1,ada@acme.example,Ada,Byron,Acme\n,grace@navy.example,Grace,Hopper,Navy\n\
                     C-3,mary@bone.example,Mary,Anning,Bone\n";
    folder.write("some.csv", customers);
    let ran = folder.run(["run", "some.csv", "--json"]).json();
    assert_eq!(ran["status"]["onboardings"]["by_stage"]["expired"], 3, "{ran}");
    assert_eq!(folder.run(["hint", "C-1", "--json"]).json(), json!({ "result": "reopened" }));
    assert_eq!(folder.run(["cancel", "C-1", "--json"]).json(), json!({ "result": "cancelled" }));
    assert_eq!(folder.run(["erase", "C-3", "--json"]).json(), json!({ "result": "erased" }));
    let mut events = schemas.check(&folder.run(["outbox", "export"]).stdout);
    let erased = events.iter().find(|event| event["type"] == "onboarding.erased").unwrap();
    let past = || events.iter().filter(|event| event["subject"] == erased["subject"]);
    assert!(past().any(|event| event["type"] == "onboarding.link_created"));
    assert!(past().all(|event| event["data"]["reference"].is_null() && event["data"].get("url").is_none()));

    // The same e-mails from another store, under other references: the API knows them already.
    folder.write("again.csv", customers.replace("C-", "X-"));
    folder.set("GANGWAY__STORE__URL", "sqlite:other.db");
    folder.run(["import", "again.csv"]);
    assert_eq!(folder.run(["cancel", "X-3", "--json"]).json(), json!({ "result": "cancelled" }));
    assert_eq!(folder.run(["worker", "--until-idle"]).code, 1);
    assert_eq!(folder.run(["dead", "redrive", "X-1", "--json"]).json(), json!({ "redriven": 1 }));
    // What `read` writes is valid too, its position included.
    let read = schemas.check(&folder.run(["outbox", "read"]).stdout);
    assert!(read.iter().all(|event| event["position"].is_u64()));
    assert!(["onboarding.dead", "onboarding.reopened"].iter().all(|kind| types(&read).contains(kind)));
    events.extend(read);
    events
}

#[test]
fn every_event_is_as_the_page_says_and_nothing_more_fits() {
    let schemas = Schemas::of_the_page();
    let events = real_events(&schemas);
    for event in events {
        for field in ["email", "first_name", "company_name", "anything"] {
            for place in ["", "/data"] {
                let mut changed = event.clone();
                changed.pointer_mut(place).unwrap()[field] = json!("Ada");
                assert_eq!(schemas.faults(&changed).len(), 1, "{field} fits into {changed}");
            }
        }
        for field in event["data"].as_object().unwrap().keys() {
            let mut changed = event.clone();
            changed["data"].as_object_mut().unwrap().remove(field);
            // Without a reference it may be an erased one's link, which has lost its URL.
            let may_go = field == "url" && event["data"]["reference"].is_null();
            assert_eq!(schemas.faults(&changed).is_empty(), may_go, "{field} is missing in {changed}");
        }
    }
}

#[test]
fn the_example_is_an_event() {
    let schemas = Schemas::of_the_page();
    let examples: Vec<Value> = json_blocks().filter(|block| block.get("$id").is_none()).collect();
    assert_eq!(examples.len(), 1);
    assert_eq!(schemas.faults(&examples[0]), Vec::<String>::new());
}

#[test]
fn the_table_names_every_type_its_data_and_whether_it_ends_the_round() {
    let common = ["customer_id", "kyb_status", "reference", "round"];
    let fields: BTreeMap<String, BTreeSet<String>> = json_blocks()
        .filter_map(|schema| {
            let name = schema["$id"].as_str()?.strip_prefix("gangway:")?.to_owned();
            Some((name, schema["properties"].as_object()?.keys().cloned().collect()))
        })
        .collect();
    let mut named = BTreeSet::new();
    for row in DOC.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let name = cells[1].trim_matches('`');
        let [_, _, _, on_top, _, ends, _] = cells[..] else { continue };
        let kind = EventType::parse(name).unwrap();
        assert_eq!(ends, if kind.is_terminal() { "yes" } else { "no" }, "{name}");
        let listed = on_top.split('`').skip(1).step_by(2).chain(common).map(str::to_owned);
        assert_eq!(listed.collect::<BTreeSet<_>>(), fields[name], "{name}");
        assert!(named.insert(name), "{name} is there twice");
    }
    assert_eq!(named, all_types());
}

#[test]
fn the_page_names_every_reason() {
    // serde lists the words that it knows; nothing else does.
    let refusal = serde_json::from_value::<Code>(json!("?")).unwrap_err().to_string();
    let known: BTreeSet<&str> = refusal.split('`').skip(1).step_by(2).filter(|word| *word != "?").collect();
    let listed = DOC.split_once("`reason` is for programs:").unwrap().1.split_once("None is").unwrap().0;
    assert_eq!(listed.split('`').skip(1).step_by(2).collect::<BTreeSet<_>>(), known);
    assert!(known.len() > 10);
}
