//! Taking customers in.

use futures::future::try_join_all;
use gangway_jobs::enqueue::{self, Answer, Known, NewOnboarding};
use gangway_jobs::id::JobId;
use gangway_jobs::job::Job;
use gangway_jobs::kind::Kind;
use gangway_jobs::payload::MAX_BYTES;
use gangway_jobs::transition;
use tokio::sync::oneshot;

use super::RedisStore;
use super::core::Core;
use super::desk::{Decided, Desk, Wanted};
use super::fresh::{Fresh, are_independent};
use super::intake::FEW;
use super::portion::PORTION;
use crate::bounds::bounded;
use crate::{Error, Result};

const ACTION: &str = "take customers in";

/// A customer with the stored input of its create job and its place in the order of taking in.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) new: NewOnboarding,
    pub(super) payload: String,
    /// Given when it is sent.
    pub(super) place: u64,
}

impl RedisStore {
    pub(super) async fn take_batch_in(&self, batch: Vec<NewOnboarding>) -> Result<Vec<Answer>> {
        bounded(batch.len())?;
        let mut items: Vec<Item> = batch.into_iter().enumerate().map(item).collect::<Result<_>>()?;
        if items.len() <= FEW {
            return self.intake.take_along(&self.core, items).await;
        }
        self.core.take_in(&mut items).await
    }
}

impl Core {
    pub(super) async fn take_in(&self, items: &mut [Item]) -> Result<Vec<Answer>> {
        let first = self.places(items.len()).await?;
        for (item, place) in items.iter_mut().zip(first..) {
            item.place = place;
        }
        // The next portion is decided while the server writes the one before, and written behind it: of two rows that
        // contradict each other, the first one counts.
        let mut behind = None;
        let portions = items.chunks(PORTION).map(|portion| {
            let (written, next) = oneshot::channel();
            self.take_in_portion(portion, behind.replace(next), written)
        });
        Ok(try_join_all(portions.collect::<Vec<_>>()).await?.concat())
    }

    async fn take_in_portion(
        &self,
        items: &[Item],
        behind: Option<oneshot::Receiver<()>>,
        written: oneshot::Sender<()>,
    ) -> Result<Vec<Answer>> {
        let answers = if are_independent(items) {
            self.take_in_new(items, behind).await?
        } else {
            if let Some(before) = behind {
                before.await.map_err(|_failed| Error::Closed)?;
            }
            self.take_in_known(&items.iter().collect::<Vec<_>>()).await?
        };
        // The last one has nobody behind it.
        written.send(()).unwrap_or_default();
        Ok(answers)
    }

    /// Most are new: so that is what is tried at first. The others are decided one by one.
    async fn take_in_new(
        &self,
        items: &[Item],
        behind: Option<oneshot::Receiver<()>>,
    ) -> Result<Vec<Answer>> {
        self.be_sure(ACTION).await?;
        let mut fresh = Fresh::new(items, self.time.now(), self.life()?);
        if let Some(before) = behind {
            before.await.map_err(|_failed| Error::Closed)?;
        }
        let left_out = loop {
            if let Some(left_out) = self.take_in_fresh(&fresh).await? {
                break left_out;
            }
            fresh = Fresh::new(items, self.time.now(), self.life()?);
        };
        let mut answers = vec![Answer::New; items.len()];
        if !left_out.is_empty() {
            let known: Vec<&Item> = left_out.iter().filter_map(|place| items.get(*place)).collect();
            for (place, answer) in left_out.iter().zip(self.take_in_known(&known).await?) {
                answers[*place] = answer;
            }
        }
        Ok(answers)
    }

    /// Decides about each, on all that is known.
    async fn take_in_known(&self, items: &[&Item]) -> Result<Vec<Answer>> {
        let mut seen = std::collections::HashSet::with_capacity(items.len());
        let ids = items.iter().map(|item| item.new.id).filter(|id| seen.insert(*id)).collect();
        let wanted = Wanted {
            ids,
            emails: items.iter().map(|item| item.new.email_key).collect(),
            takes_in: true,
            ..Wanted::default()
        };
        let one_by_one =
            |desk: &mut Desk<'_>| items.iter().map(|item| one(desk, item)).collect::<Decided<Vec<_>>>();
        self.decide(ACTION, wanted, one_by_one).await
    }
}

fn item((index, new): (usize, NewOnboarding)) -> Result<Item> {
    let payload = new.payload().encode();
    let bytes = payload.len();
    if bytes > MAX_BYTES {
        return Err(Error::PayloadTooLarge { index, bytes, max: MAX_BYTES });
    }
    Ok(Item { new, payload, place: 0 })
}

fn one(desk: &mut Desk<'_>, item: &Item) -> Decided<Answer> {
    let Item { new, payload, place } = item;
    let owner = desk.owner(new.email_key);
    let moment = desk.moment;
    let draft = desk.draft(new.id)?;
    if draft.is_damaged() {
        // Nobody knows how far it came, so nothing is done; the row shows up as one to look at.
        return Ok(Answer::ConflictingContent);
    }
    let known = match (draft.record(), draft.row()) {
        (Some(record), _) => Known::Record(record),
        (None, Some(row)) => Known::Ledger(row),
        (None, None) => Known::Nothing,
    };
    let answer = enqueue::decide(new, &known, owner);
    if draft.record().is_some_and(|record| enqueue::is_repeat(new, record)) {
        return Ok(answer);
    }
    match answer {
        Answer::New => {
            draft.insert(enqueue::new_record(new, moment.now), *place, moment.life);
            let id = JobId { onboarding: new.id, kind: Kind::CreateCustomer };
            draft.set_job(Job::new(id, payload.clone(), moment.now));
            desk.set_owner(new.email_key, Some(new.id));
        }
        Answer::Revived => {
            if let Some(row) = draft.row().cloned() {
                draft.insert(enqueue::record_from_ledger(new, &row, moment.now), *place, moment.life);
            }
            revive(desk, new)?;
        }
        Answer::Duplicate | Answer::ConflictingContent | Answer::ConflictingEmail => {}
    }
    Ok(answer)
}

fn revive(desk: &mut Desk<'_>, new: &NewOnboarding) -> Decided<()> {
    let eager = desk.policies.eager_links;
    let before = desk.draft(new.id)?.record().map(|record| record.email_key);
    desk.decide(new.id, None, |record, now| {
        enqueue::take_over(record, new);
        ((), transition::reopen(record, eager, Some(new.payload()), now))
    })?;
    if let Some(before) = before {
        desk.set_owner(before, None);
    }
    desk.set_owner(new.email_key, Some(new.id));
    Ok(())
}
