//! Checks a CSV file without importing it: `cargo run -p gangway-producer --example check_csv -- customers.csv`.
//!
//! Without a file it makes one up, so that there is something to see; a number says of how many customers.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::time::Instant;

use gangway_producer::csv::Options;
use gangway_producer::row::Rows;
use gangway_producer::sample::{SampleOptions, write_csv};

fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "1000".to_owned());
    let file: Box<dyn Read> = match argument.parse() {
        Ok(customers) => Box::new(made_up(customers)?),
        Err(_not_a_number) => Box::new(File::open(argument)?),
    };
    let started = Instant::now();
    let (mut good, mut faults) = (0_u64, BTreeMap::<_, u64>::new());
    for row in Rows::open(file, &Options::default(), &[])? {
        match row?.result {
            Ok(_customer) => good += 1,
            Err(found) => found.iter().for_each(|fault| *faults.entry(fault.code).or_default() += 1),
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{good} good rows in {:.2} s", started.elapsed().as_secs_f64())?;
    for (code, count) in faults {
        writeln!(out, "{count:8} {code}")?;
    }
    Ok(())
}

fn made_up(customers: u64) -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("gangway-sample-{}.csv", std::process::id()));
    let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
    write_csv(BufWriter::new(&file), &SampleOptions::planted(customers, 1))?;
    std::fs::remove_file(path)?;
    file.rewind()?;
    Ok(file)
}
