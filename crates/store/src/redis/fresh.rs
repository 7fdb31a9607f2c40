//! Taking in customers of whom nothing is known, which most are: one script for all of them, that reads nothing and
//! leaves out those of whom something turns out to be known.

use std::collections::HashSet;

use gangway_faultpoint::{Point, pass_for};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::enqueue;
use gangway_jobs::id::{ImportId, JobId};
use gangway_jobs::job::Job;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use rand::random;
use redis::Cmd;

use super::change::{Waiting, short_digest, sum_of};
use super::core::Core;
use super::enqueue::Item;
use super::life::Life;
use super::onboarding::{Onboarding, Revision};
use super::reply::{int, list, other_form};
use super::{codec, lua};
use crate::Result;

const ACTION: &str = "take customers in";

/// Whether they can be taken in together without a look at each other: no two share an id or an e-mail, and all are of one
/// import or of none. Then it does not matter in which order those are decided that are left out.
pub(super) fn are_independent(items: &[Item]) -> bool {
    let mut ids = HashSet::with_capacity(items.len());
    let mut emails = HashSet::with_capacity(items.len());
    let import = |item: &Item| item.new.row.map(|(import, _)| import);
    items.iter().all(|item| {
        import(item) == import(&items[0]) && ids.insert(item.new.id) && emails.insert(item.new.email_key)
    })
}

/// Customers in the form in which the script takes them in.
pub(super) struct Fresh {
    due: Timestamp,
    life: Life,
    lane: Vec<u8>,
    import: Option<ImportId>,
    arguments: Vec<[Vec<u8>; 5]>,
}

impl Fresh {
    pub(super) fn new(items: &[Item], now: Timestamp, life: Life) -> Self {
        let import = items.first().and_then(|item| item.new.row).map(|(import, _)| import);
        let mut lane = Vec::new();
        let arguments = items.iter().map(|item| {
            let onboarding = onboarding_of(item, now, life);
            let mut value = Vec::with_capacity(512);
            codec::encode(&onboarding, Revision(random()), &mut value);
            let mut member = Vec::new();
            if let Some(waiting) =
                onboarding.job(Kind::CreateCustomer).and_then(|job| Waiting::of(&onboarding, job))
            {
                member = waiting.member.to_vec();
                lane.clone_from(&waiting.lane);
            }
            let reference = onboarding.record.reference.as_deref();
            let id = item.new.id.as_uuid().as_bytes().to_vec();
            let email = item.new.email_key.as_bytes().to_vec();
            [id, value, member, email, reference.map_or_else(Vec::new, |text| short_digest(text).to_vec())]
        });
        let arguments = arguments.collect();
        Self { due: now, life, lane, import, arguments }
    }
}

fn onboarding_of(item: &Item, now: Timestamp, life: Life) -> Onboarding {
    let id = JobId { onboarding: item.new.id, kind: Kind::CreateCustomer };
    Onboarding {
        place: item.place,
        epoch_number: life.number,
        record: enqueue::new_record(&item.new, now),
        jobs: [Some(Job::new(id, item.payload.clone(), now)), None, None],
        fences: [None; 3],
    }
}

impl Core {
    /// Takes them in; answers the places of those that were left out. Nothing if another life of the store has begun.
    pub(super) async fn take_in_fresh(&self, fresh: &Fresh) -> Result<Option<Vec<usize>>> {
        let fill = |command: &mut Cmd| {
            command.arg(&fresh.lane[..]).arg(fresh.due.as_millis()).arg(sum_of(Stage::Accepted));
            command.arg(fresh.import.map_or_else(Vec::new, |import| import.as_uuid().as_bytes().to_vec()));
            for argument in fresh.arguments.iter().flatten() {
                command.arg(&argument[..]);
            }
        };
        pass_for(Point::RedisDeciding, ACTION);
        let reply = self.call_in(fresh.life, &self.work, ACTION, &lua::TAKE_IN_FRESH, fill).await?;
        if reply.word == "epoch" {
            return Ok(None);
        }
        pass_for(Point::RedisWritten, ACTION);
        let [woken, left_out] = reply.parts(ACTION)?;
        if int(&woken) == Some(1) {
            self.woken();
        }
        let numbers = list(left_out).ok_or_else(|| other_form(ACTION))?;
        let places = numbers.iter().filter_map(|number| usize::try_from(int(number)?).ok()?.checked_sub(1));
        Ok(Some(places.collect()))
    }
}
