//! An import whose memory is watched, and its report as a program reads it.

use std::time::Duration;

use serde_json::Value;

use crate::stories::memory;
use crate::{Error, Process, Result, World};

/// What came of an import.
pub(super) struct Watched {
    pub(super) code: Option<i32>,
    /// Its answer.
    pub(super) said: Value,
    /// The largest resident size.
    pub(super) peak_kib: u64,
}

/// Imports a file of the world's folder; the log goes to `import.log`.
pub(super) fn import(world: &World, file: &str) -> Result<Watched> {
    let answer = world.path("import.json");
    let mut command = world.command(&["import", file, "--json"]);
    let mut process = Process::start_telling(&mut command, &answer, &world.path("import.log"))?;
    let mut peak_kib = 0;
    let status = loop {
        // The system forgets it with the process, so the last look is a little early; memory is at its peak before.
        peak_kib = peak_kib.max(memory::peak_kib_of(process.pid()).unwrap_or_default());
        if let Some(status) = process.ended()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    if peak_kib == 0 {
        return Err(Error::Broken("/proc does not tell an import's size".to_owned()));
    }
    let text = std::fs::read_to_string(&answer).unwrap_or_default();
    let said = serde_json::from_str(&text).map_err(|_not_json| {
        Error::Broken(format!("the import of {file} said {text:?}, and ended with {status}"))
    })?;
    Ok(Watched { code: status.code(), said, peak_kib })
}

/// One line of a report.
pub(super) struct Fault {
    pub(super) row: u64,
    pub(super) field: String,
    pub(super) code: String,
}

/// The lines of a report, none of which a spreadsheet would take for a formula.
pub(super) fn report(world: &World, name: &str) -> Result<Vec<Fault>> {
    let path = world.path(name);
    let text = std::fs::read_to_string(&path)
        .map_err(|source| Error::Io { action: format!("read {}", path.display()), source })?;
    text.lines().skip(1).map(|line| fault(name, line)).collect()
}

fn fault(name: &str, line: &str) -> Result<Fault> {
    let mut cells = line.splitn(4, ',');
    let mut next = || cells.next().unwrap_or_default().to_owned();
    let (row, field, code, message) = (next(), next(), next(), next());
    let runs = |cell: &String| cell.trim_start_matches('"').trim_start().starts_with(['=', '+', '-', '@']);
    if [&row, &field, &code, &message].into_iter().any(runs) || line.contains("cmd()") {
        return Err(Error::Broken(format!("{name} has a formula: {line}")));
    }
    let row = row.parse().map_err(|_no_number| Error::Broken(format!("{name} names no row: {line}")))?;
    Ok(Fault { row, field, code })
}
