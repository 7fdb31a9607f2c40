//! A made-up file, read back: what was planted is what is found.

use std::collections::BTreeMap;
use std::io::Read;

use gangway_jobs::enqueue::Answer;
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_producer::Error;
use gangway_producer::csv::Options;
use gangway_producer::dedupe::Dedupe;
use gangway_producer::row::{Row, Rows};
use gangway_producer::sample::{Planted, SampleOptions, write_csv};

fn read(input: impl Read) -> Result<Vec<Row>, Error> {
    Rows::open(input, &Options::default(), &[])?.collect()
}

/// Counts as an import would.
fn found(rows: &[Row]) -> Planted {
    let mut dedupe = Dedupe::new(Identity::new(IdentitySecret::new("s"), "default"));
    let mut found = Planted { rows: rows.len() as u64, ..Planted::default() };
    for row in rows {
        match &row.result {
            Ok(customer) => match dedupe.see(customer) {
                Answer::New | Answer::Revived => found.customers += 1,
                Answer::Duplicate => found.duplicates += 1,
                Answer::ConflictingContent | Answer::ConflictingEmail => found.conflicts += 1,
            },
            Err(faults) => {
                found.refused += 1;
                for fault in faults {
                    *found.codes.entry(fault.code).or_default() += 1;
                }
            }
        }
    }
    found
}

#[test]
fn what_was_planted_is_found() {
    for seed in 0..20 {
        let options = SampleOptions { damaged_rows: 12, ..SampleOptions::planted(1000, seed) };
        let mut file = Vec::new();
        let planted = write_csv(&mut file, &options).unwrap();
        assert_eq!(found(&read(&file[..]).unwrap()), planted, "seed {seed}");
    }
}

#[test]
fn every_code_is_planted() {
    let options = SampleOptions { damaged_rows: 4, ..SampleOptions::planted(100, 1) };
    let codes: BTreeMap<_, _> = write_csv(std::io::sink(), &options).unwrap().codes;
    let expected = [
        "control_character",
        "encoding",
        "extra_cells",
        "invalid_email",
        "markup",
        "missing",
        "nul",
        "row_too_long",
        "too_long",
        "unclosed_quote",
    ];
    assert_eq!(codes.into_keys().collect::<Vec<_>>(), expected);
}

#[test]
fn a_file_in_utf_16_holds_the_same_customers() {
    let mut file = Vec::new();
    write_csv(&mut file, &SampleOptions::planted(300, 3)).unwrap();
    let text = String::from_utf8(file.clone()).unwrap();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(read(&utf16[..]).unwrap(), read(&file[..]).unwrap());
}

#[test]
fn going_on_behind_a_row_gives_the_rows_behind_it() {
    let options = SampleOptions { damaged_rows: 8, ..SampleOptions::planted(200, 5) };
    let mut file = Vec::new();
    write_csv(&mut file, &options).unwrap();
    let whole = read(&file[..]).unwrap();
    for skipped in [0, 1, 50, 199, whole.len()] {
        let mut rows = Rows::open(&file[..], &Options::default(), &[]).unwrap();
        rows.skip_rows(skipped as u64).unwrap();
        assert_eq!(rows.collect::<Result<Vec<_>, _>>().unwrap(), whole[skipped..]);
    }
}

/// The most memory this process ever held, in KiB.
#[cfg(target_os = "linux")]
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_of_a_quarter_gigabyte_takes_no_memory() {
    let before = peak_memory().unwrap();
    let head = &b"email,first name,last name,company\na@b.example,Ada,Byron,\""[..];
    let tail = &b"\nc@d.example,Grace,Hopper,Navy\n"[..];
    let input = head.chain(std::io::repeat(b'x').take(256 << 20)).chain(tail);
    let rows = read(input).unwrap();
    assert_eq!(rows[0].result.as_ref().unwrap_err()[0].code, "row_too_long");
    assert!(rows[1].result.is_ok() && rows.len() == 2);
    assert!(peak_memory().unwrap() - before < 32 * 1024);
}
