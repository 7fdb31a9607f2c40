//! The circuit as people see and decide it.

use gangway_jobs::circuit::{Resolution, Summary};
use gangway_jobs::id::{JobId, OnboardingId};
use gangway_jobs::kind::Kind;
use gangway_jobs::transition;
use uuid::Uuid;

use super::desk::{Desk, Wanted};
use super::portion::PORTION;
use super::reply::{bytes, list};
use super::take_back::job_of;
use super::{RedisStore, keys};
use crate::Result;

const ACTION: &str = "resolve the circuit";

impl RedisStore {
    pub(super) async fn look_at_circuit(&self) -> Result<()> {
        let key = self.core.keys.of(keys::CIRCUIT);
        let stored = self.core.work.send("read the circuit", redis::cmd("GET").arg(key)).await?;
        self.core.saw_circuit(&bytes(stored).unwrap_or_default())
    }

    pub(super) async fn circuit_summary(&self) -> Result<Summary> {
        self.look_at_circuit().await?;
        let now = self.tell_time().await?;
        Ok(self.core.circuit().circuit.summary(now))
    }

    pub(super) async fn decide_circuit(&self, resolution: Resolution) -> Result<Vec<Kind>> {
        let wanted = Wanted { circuit: true, ..Wanted::default() };
        let resolve = |desk: &mut Desk<'_>| {
            let (policies, now) = (desk.policies, desk.moment.now);
            desk.wake = true;
            Ok(desk.circuit().resolve(resolution, &policies.circuit, now))
        };
        let kinds = self.core.decide(ACTION, wanted, resolve).await?;
        // The parked are tried again either way: as if nothing had been, or to be buried if they meet it again. Those that
        // a crash leaves parked here stand behind the others, and are tried all the same.
        for kind in &kinds {
            self.unpark(*kind).await?;
        }
        Ok(kinds)
    }

    async fn unpark(&self, kind: Kind) -> Result<()> {
        for lane in [2, 3] {
            self.unpark_lane(kind, lane).await?;
        }
        // What runs now would be parked again by its end.
        let leased = redis::cmd("HKEYS").arg(self.core.keys.of(keys::HELD)).to_owned();
        let leased = list(self.core.work.send(ACTION, &leased).await?).unwrap_or_default();
        let running = leased.into_iter().filter_map(|member| job_of(&bytes(member)?));
        let running: Vec<JobId> = running.filter(|job| job.kind == kind).collect();
        for portion in running.chunks(PORTION) {
            self.put_back(portion).await?;
        }
        Ok(())
    }

    async fn unpark_lane(&self, kind: Kind, lane: usize) -> Result<()> {
        let key = self.core.keys.of(&format!("{}{}", keys::DUE, kind.index() * 4 + lane));
        let mut past = 0;
        loop {
            let mut page = redis::cmd("ZRANGE");
            page.arg(&key).arg(past).arg(past + PORTION - 1);
            let members = list(self.core.work.send(ACTION, &page).await?).unwrap_or_default();
            if members.is_empty() {
                return Ok(());
            }
            let count = members.len();
            let ids = members.into_iter().filter_map(|member| onboarding_of(&bytes(member)?));
            let jobs: Vec<JobId> = ids.map(|onboarding| JobId { onboarding, kind }).collect();
            // What cannot be read stays where it is: the next page lies behind it.
            past += count - self.put_back(&jobs).await?;
        }
    }

    /// Answers how many were parked, and are no more.
    async fn put_back(&self, jobs: &[JobId]) -> Result<usize> {
        let wanted = Wanted { ids: jobs.iter().map(|job| job.onboarding).collect(), ..Wanted::default() };
        let put_back = |desk: &mut Desk<'_>| {
            let (now, mut count) = (desk.moment.now, 0);
            for id in jobs {
                desk.draft(id.onboarding)?.with_job(id.kind, |job| {
                    if job.parked {
                        job.parked = false;
                        transition::hasten(job, now);
                        count += 1;
                    }
                });
            }
            Ok(count)
        };
        self.core.decide(ACTION, wanted, put_back).await
    }
}

/// The onboarding of a waiting job by its name in its lane.
fn onboarding_of(member: &[u8]) -> Option<OnboardingId> {
    Some(OnboardingId::from_uuid(Uuid::from_slice(member.get(7..)?).ok()?))
}
