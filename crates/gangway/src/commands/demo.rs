//! `gangway demo`: a thousand customers come aboard through faults.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_onemoney::Credentials;
use gangway_producer::import::ImportOptions;
use gangway_producer::sample::{SampleOptions, write_csv};
use gangway_simulator::{Audit, Config, Handle, Simulator};
use gangway_worker::Until;

use super::simulate::Faults;
use crate::context::Context;
use crate::demo::folder::Folder;
use crate::demo::profile::DemoProfile;
use crate::demo::proof::Evidence;
use crate::demo::{account, report};
use crate::error::{Error, Result};
use crate::output::Ending;
use crate::output::table::number;
use crate::wiring::store::{self, Purpose};
use crate::wiring::take_in;
use crate::wiring::{api, work};

/// A simulator, made-up customers, an import, a worker and the proof, in one process and one folder. Days pass in seconds.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gangway demo\n  gangway demo --customers 2000 --faults hostile --seed 7\n\n\
                        Exit code 1 if the proof does not add up."
)]
pub(crate) struct Args {
    /// How many customers; faulty rows, duplicates and conflicts come on top
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    customers: u64,
    /// Another seed, other customers and other faults
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// What goes wrong at the API
    #[arg(long, value_enum, default_value_t = Faults::Default)]
    faults: Faults,
    /// Where to work; what an earlier demo left there is replaced
    #[arg(long, default_value = "gangway-demo", value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let begun = Instant::now();
    let folder = Folder::take(&args.dir)?;
    let file = make_file(args, &folder)?;
    let profile = DemoProfile { faults: args.faults.plan(DemoProfile::SLOW)?, seed: args.seed };
    let config = profile.simulator();
    let credentials = credentials(&config);
    let simulator = Simulator::start(config).await?;
    context.out.say(&format!(
        "{} customers, faults: {}, seed {}; the API is simulated at {}",
        number(args.customers),
        profile.faults.name,
        args.seed,
        simulator.base_url()
    ))?;

    let settings = DemoProfile::settings(folder.path(), simulator.base_url())?;
    let client = api::with_credentials(&settings, credentials)?;
    let store = store::open(&settings, Purpose::Work).await?;
    let options = ImportOptions { report: Some(folder.file("refused.csv")), ..ImportOptions::new(&file) };
    let identity = settings.sections.identity();
    let import =
        take_in::import(&options, Arc::clone(&store), identity, &context.bars, &context.stop).await?;
    let worked = work::work(&settings, &store, client, Until::Terminal, &context.bars, &context.stop).await?;
    if context.stop.is_cancelled() {
        return Err(Error::Stopped {
            what: "a demo proves something only at its end".to_owned(),
            help: "run it again: it begins anew",
        });
    }

    let audit = final_audit(&simulator).await;
    let status = store.status().await?;
    let account = account::take(&*store, &folder.file("results.csv"), &folder.file("outbox.ndjson")).await?;
    store.close().await;
    simulator.shutdown().await;
    let evidence = Evidence { import: &import, status: &status, account: &account, audit: &audit };
    let elapsed = begun.elapsed();
    context.out.answer(&report::answer(&evidence, elapsed), || {
        report::text(&evidence, &worked, elapsed, folder.path())
    })?;
    Ok(Ending::failed_if(!evidence.adds_up()))
}

fn make_file(args: &Args, folder: &Folder) -> Result<PathBuf> {
    let path = folder.file("customers.csv");
    let failed = |source| Error::file("write", &path, source);
    let file = File::create(&path).map_err(failed)?;
    let planted = write_csv(BufWriter::new(file), &SampleOptions::planted(args.customers, args.seed));
    planted.map_err(failed)?;
    Ok(path)
}

fn credentials(config: &Config) -> Credentials {
    Credentials::Hmac { access_key: config.access_key.clone().into(), secret_key: config.secret_key.clone() }
}

/// What the API saw, once nothing is on its way any more: an effect may come after its connection was cut.
async fn final_audit(simulator: &Handle) -> Audit {
    for _ in 0..100 {
        if simulator.audit().late_effects_pending == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    simulator.full_audit()
}
