//! Defaults, files and environment, one over the other; each value knows where it is from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{ConfigError, File, FileFormat, Map, Value, ValueKind};

use super::{Environ, Problem, Sections, password, suggest};

/// The defaults, with a comment above each.
pub(crate) const DEFAULTS: &str = include_str!("../../../../config/default.toml");

/// Where a default is from, as shown.
pub(crate) const DEFAULT_ORIGIN: &str = "default";

const STORE_URL: &str = "store.url";

/// All values by `section.key`.
#[derive(Clone)]
pub(crate) struct Layers {
    merged: config::Config,
    /// `section.key` to the value.
    values: BTreeMap<String, Value>,
    /// `section.key` to the variable that sets it.
    variables: BTreeMap<String, String>,
}

/// Shows names only: a value may be a secret.
impl std::fmt::Debug for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Layers {
    /// Puts the layers over each other.
    pub(crate) fn collect(file: Option<&Path>, environ: &Environ) -> Result<Self, Problem> {
        let defaults = parse(File::from_str(DEFAULTS, FileFormat::Toml), Path::new("config/default.toml"))?;
        let known: Vec<String> = flatten(&defaults).into_keys().collect();
        let mut builder = config::Config::builder().add_source(defaults);
        for path in files(file, environ)? {
            let layer = parse(File::from(path.clone()).format(FileFormat::Toml), &path)?;
            refuse_unknown(&flatten(&layer), &known, &path.display().to_string())?;
            builder = builder.add_source(layer);
        }
        let mut variables = BTreeMap::new();
        for (variable, key, value) in environ.settings() {
            if !known.contains(&key) {
                return Err(unknown(&key, &known, variable));
            }
            builder = builder
                .set_override(key.clone(), value)
                .map_err(|error| file_problem(Path::new(variable), &error))?;
            variables.insert(key, variable.to_owned());
        }
        let merged = builder.build().map_err(|error| file_problem(Path::new("config"), &error))?;
        let values = flatten(&merged);
        Ok(Self { merged, values, variables })
    }

    /// The values as types.
    pub(crate) fn typed(&self) -> Result<Sections, Problem> {
        self.merged.clone().try_deserialize().map_err(|error| self.value_problem(error))
    }

    /// Every setting with its value as text and its origin, in alphabetical order. The store's url without its password.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&str, String, String)> {
        let shown = |key: &str, text: String| if key == STORE_URL { password::shown(&text) } else { text };
        self.values.iter().map(move |(key, value)| (key.as_str(), shown(key, text(value)), self.origin(key)))
    }

    /// Where a setting's value is from.
    pub(crate) fn origin(&self, key: &str) -> String {
        let of_file = || self.values.get(key).and_then(Value::origin).map(str::to_owned);
        let variable = self.variables.get(key).cloned();
        variable.or_else(of_file).unwrap_or_else(|| DEFAULT_ORIGIN.to_owned())
    }

    /// A broken rule as a problem. The sentence begins with a setting's name; if that has its default, another setting
    /// that the sentence names has not.
    pub(crate) fn blame(&self, sentence: String) -> Problem {
        let words = sentence.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | ';' | '(' | ')'));
        let mut origins: Vec<String> =
            words.filter(|word| self.values.contains_key(*word)).map(|key| self.origin(key)).collect();
        origins.retain(|origin| origin != DEFAULT_ORIGIN);
        let origin = origins.into_iter().next().unwrap_or_else(|| DEFAULT_ORIGIN.to_owned());
        Problem::Rule { sentence, origin }
    }

    fn value_problem(&self, error: ConfigError) -> Problem {
        let (key, fault) = taken_apart(error);
        Problem::Value { origin: self.origin(&key), key, fault }
    }
}

/// The file of the environment if it is there, then the one that was asked for.
fn files(asked: Option<&Path>, environ: &Environ) -> Result<Vec<PathBuf>, Problem> {
    let mut files = Vec::new();
    if let Some(name) = environ.name() {
        if name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(Problem::BadEnvironmentName { name: name.to_owned() });
        }
        let path = Path::new("config").join(format!("{name}.toml"));
        if path.exists() && name != "default" {
            files.push(path);
        }
    }
    files.extend(asked.map(Path::to_owned));
    Ok(files)
}

fn parse(layer: impl config::Source + Send + Sync + 'static, path: &Path) -> Result<config::Config, Problem> {
    let built = config::Config::builder().add_source(layer).build();
    built.map_err(|error| file_problem(path, &error))
}

fn file_problem(path: &Path, error: &ConfigError) -> Problem {
    let fault =
        if let ConfigError::FileParse { cause, .. } = error { cause.to_string() } else { error.to_string() };
    Problem::File { path: path.to_owned(), fault: without_quotations(&fault) }
}

/// A fault in TOML without the line of the file that it quotes, which may hold a secret.
fn without_quotations(fault: &str) -> String {
    let is_quotation = |line: &&str| {
        line.split_once('|').is_some_and(|(margin, _)| margin.chars().all(|c| c == ' ' || c.is_ascii_digit()))
    };
    let told: Vec<&str> = fault.lines().filter(|line| !is_quotation(line)).map(str::trim).collect();
    told.join(": ").trim().to_owned()
}

fn refuse_unknown(found: &BTreeMap<String, Value>, known: &[String], origin: &str) -> Result<(), Problem> {
    match found.keys().find(|key| !known.contains(key)) {
        Some(key) => Err(unknown(key, known, origin)),
        None => Ok(()),
    }
}

fn unknown(key: &str, known: &[String], origin: &str) -> Problem {
    let nearest = suggest::nearest(key, known.iter().map(String::as_str)).map(str::to_owned);
    Problem::Unknown { key: key.to_owned(), origin: origin.to_owned(), nearest }
}

/// The leaves of a tree under their dotted names.
fn flatten(config: &config::Config) -> BTreeMap<String, Value> {
    fn descend(table: Map<String, Value>, prefix: &str, into: &mut BTreeMap<String, Value>) {
        for (key, value) in table {
            let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            let origin = value.origin().map(str::to_owned);
            if let ValueKind::Table(table) = value.kind {
                descend(table, &name, into);
            } else {
                into.insert(name, Value::new(origin.as_ref(), value.kind));
            }
        }
    }
    let mut leaves = BTreeMap::new();
    if let ValueKind::Table(table) = config.cache.kind.clone() {
        descend(table, "", &mut leaves);
    }
    leaves
}

/// The setting that an error names, and what is wrong with it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum of another crate may grow")]
fn taken_apart(error: ConfigError) -> (String, String) {
    match error {
        ConfigError::At { error, key, .. } => {
            let (inner, fault) = taken_apart(*error);
            (key.unwrap_or(inner), fault)
        }
        ConfigError::Type { unexpected, expected, key, .. } => {
            (key.unwrap_or_default(), format!("{unexpected} is not {expected}"))
        }
        ConfigError::NotFound(key) => (key, "it is missing".to_owned()),
        other => (String::new(), other.to_string()),
    }
}

fn text(value: &Value) -> String {
    if let ValueKind::Array(items) = &value.kind {
        let items: Vec<String> = items.iter().map(text).collect();
        return items.join(", ");
    }
    value.clone().into_string().unwrap_or_default()
}
