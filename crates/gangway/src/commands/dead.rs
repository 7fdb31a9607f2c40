//! `gangway dead`: what failed for good, and what to do about it.

use clap::Subcommand;
use gangway_jobs::kind::Kind;
use gangway_store::{DeadFilter, DeadLetter, MAX_BATCH, SharedStore, Store};
use serde::Serialize;
use serde_json::json;

use super::KindName;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Ending;
use crate::output::table::{Table, number};
use crate::wiring::lookup;
use crate::wiring::store::{self, Purpose};

/// A dead letter is a job that failed for good, kept with its failure. Redriving puts it back; the customer is looked up
/// before it is created again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway dead list --code email_taken\n  gangway dead redrive C-000042")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List dead letters
    #[command(after_help = "Example:\n  gangway dead list --kind customer.create --code unresolved")]
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
    },
    /// Show the dead letters of one onboarding
    #[command(after_help = "Example:\n  gangway dead show C-000042")]
    Show {
        /// Your reference, an onboarding id, or the API's customer id
        #[arg(value_name = "REF")]
        named: String,
    },
    /// Put dead letters back
    #[command(
        after_help = "Example:\n  gangway dead redrive C-000042\n  gangway dead redrive --all --code unreachable"
    )]
    Redrive(Chosen),
    /// Delete dead letters; their onboardings stay dead
    #[command(after_help = "Example:\n  gangway dead drop --all --code email_taken")]
    Drop(Chosen),
}

/// A filter.
#[derive(Debug, clap::Args)]
struct Which {
    /// Only of this kind
    #[arg(long)]
    kind: Option<KindName>,
    /// Only with this code
    #[arg(long)]
    code: Option<String>,
}

/// One, or all that the filter leaves.
#[derive(Debug, clap::Args)]
struct Chosen {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// Your reference, an onboarding id, or the API's customer id
    #[arg(value_name = "REF")]
    named: Option<String>,
    /// All that fit --kind and --code
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    onboarding: String,
    kind: &'static str,
    reference: Option<&'a str>,
    attempts: u32,
    since: String,
    code: Option<&'static str>,
    message: Option<&'a str>,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    let done = act(&args.action, &store, context).await;
    store.close().await;
    done.map(|()| Ending::Well)
}

async fn act(action: &Action, store: &SharedStore, context: &Context) -> Result<()> {
    match action {
        Action::List { which, limit } => {
            let letters = collect(&**store, &which.filter(), *limit).await?;
            answer_letters(&letters, context)
        }
        Action::Show { named } => {
            let onboarding = Some(lookup::find(&**store, named).await?.record.id);
            let filter = DeadFilter { onboarding, ..DeadFilter::default() };
            let letters = collect(&**store, &filter, Kind::ALL.len()).await?;
            if letters.is_empty() {
                return Err(Error::NothingDead);
            }
            answer_letters(&letters, context)
        }
        Action::Redrive(chosen) => {
            let filter = chosen.filter(&**store).await?;
            let count = repeat(async || store.redrive(filter.clone(), MAX_BATCH).await).await?;
            answer_count(count, "redriven", "put back", context)
        }
        Action::Drop(chosen) => {
            let filter = chosen.filter(&**store).await?;
            let count = repeat(async || store.drop_dead(filter.clone(), MAX_BATCH).await).await?;
            answer_count(count, "dropped", "dropped", context)
        }
    }
}

/// Does something in portions until none is left; one that cannot be read makes a portion smaller, and is no end.
async fn repeat(portion: impl AsyncFn() -> gangway_store::Result<usize>) -> Result<usize> {
    let mut count = 0;
    loop {
        let some = portion().await?;
        if some == 0 {
            return Ok(count);
        }
        count += some;
    }
}

impl Which {
    fn filter(&self) -> DeadFilter {
        DeadFilter { kind: self.kind.map(Kind::from), code: self.code.clone(), ..DeadFilter::default() }
    }
}

impl Chosen {
    /// What is dead now: under running workers, what is put back may be dead again before the last one is.
    async fn filter(&self, store: &dyn Store) -> Result<DeadFilter> {
        let until = Some(store.now().await?);
        let onboarding = match &self.whose.named {
            Some(named) => Some(lookup::find(store, named).await?.record.id),
            None => None,
        };
        Ok(DeadFilter { onboarding, until, ..self.which.filter() })
    }
}

async fn collect(store: &dyn Store, filter: &DeadFilter, limit: usize) -> Result<Vec<DeadLetter>> {
    let mut letters: Vec<DeadLetter> = Vec::new();
    while letters.len() < limit {
        let after = letters.last().map(|letter| letter.job);
        let page = store.dead(filter.clone(), after, (limit - letters.len()).min(MAX_BATCH)).await?;
        if page.is_empty() {
            break;
        }
        letters.extend(page);
    }
    Ok(letters)
}

fn answer_letters(letters: &[DeadLetter], context: &Context) -> Result<()> {
    let shown: Vec<Shown<'_>> = letters.iter().map(shown).collect();
    context.out.answer(&json!({ "dead": shown }), || {
        if letters.is_empty() {
            return "nothing is dead\n".to_owned();
        }
        let mut table = Table::new(&[3]);
        table.row(["onboarding", "reference", "kind", "attempts", "since", "why"]);
        for letter in &shown {
            table.row([
                letter.onboarding.clone(),
                letter.reference.unwrap_or("-").to_owned(),
                letter.kind.to_owned(),
                letter.attempts.to_string(),
                letter.since.clone(),
                format!("{}: {}", letter.code.unwrap_or("-"), letter.message.unwrap_or("-")),
            ]);
        }
        table.render()
    })
}

fn shown(letter: &DeadLetter) -> Shown<'_> {
    Shown {
        onboarding: letter.job.onboarding.to_string(),
        kind: letter.job.kind.as_str(),
        reference: letter.reference.as_deref(),
        attempts: letter.attempts,
        since: letter.since.to_string(),
        code: letter.failure.as_ref().map(|failure| failure.code.as_str()),
        message: letter.failure.as_ref().map(|failure| failure.message.as_str()),
    }
}

fn answer_count(count: usize, key: &str, verb: &str, context: &Context) -> Result<()> {
    if count == 0 {
        return Err(Error::NothingDead);
    }
    context.out.answer(&json!({ key: count }), || format!("{} {verb}\n", number(count as u64)))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn a_portion_that_is_not_full_is_no_end() {
        let portions = RefCell::new(vec![0, 1, MAX_BATCH - 1, MAX_BATCH]);
        let next = async || Ok(portions.borrow_mut().pop().unwrap_or_default());
        assert_eq!(repeat(next).await.unwrap(), 2 * MAX_BATCH);
    }
}
