//! Renewing leases.

use std::time::Duration;

use gangway_jobs::id::{JobId, LeaseToken};

use super::core::millis;
use super::portion::PORTION;
use super::reply::{int, list, other_form};
use super::take_back::member_of;
use super::{RedisStore, lua};
use crate::Result;
use crate::bounds::bounded;

impl RedisStore {
    pub(super) async fn renew(
        &self,
        leases: Vec<(JobId, LeaseToken)>,
        length: Duration,
    ) -> Result<Vec<bool>> {
        const ACTION: &str = "extend leases";
        bounded(leases.len())?;
        let mut still = Vec::with_capacity(leases.len());
        for portion in leases.chunks(PORTION) {
            let fill = |command: &mut redis::Cmd| {
                command.arg(millis(length));
                for (job, token) in portion {
                    command.arg(&member_of(*job)[..]).arg(&token.as_uuid().as_bytes()[..]);
                }
            };
            let reply = self.core.call_on(&self.core.leases, ACTION, &lua::EXTEND, fill).await?;
            let [held] = reply.parts(ACTION)?;
            let held = list(held).ok_or_else(|| other_form(ACTION))?;
            still.extend(held.iter().map(|held| int(held) == Some(1)));
        }
        Ok(still)
    }
}
