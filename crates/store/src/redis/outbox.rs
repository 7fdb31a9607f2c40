//! The outbox: being written.

use std::collections::BTreeMap;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::Event;

use super::core::Core;
use crate::{Error, GroupStart, Position, ReadRequest, Result};

pub(super) async fn group_add(_core: &Core, _group: &str, _from: GroupStart) -> Result<bool> {
    Err(Error::Closed)
}
pub(super) async fn group_remove(_core: &Core, _group: &str) -> Result<bool> {
    Err(Error::Closed)
}
pub(super) async fn read(_core: &Core, _ask: &ReadRequest) -> Result<Vec<(Position, Event)>> {
    Err(Error::Closed)
}
pub(super) async fn ack(_core: &Core, _group: &str, _positions: Vec<Position>) -> Result<usize> {
    Err(Error::Closed)
}
pub(super) async fn events(_core: &Core, _after: Position, _limit: usize) -> Result<Vec<(Position, Event)>> {
    Err(Error::Closed)
}
pub(super) async fn trim(_core: &Core, _older_than: Timestamp, _limit: usize) -> Result<usize> {
    Err(Error::Closed)
}
pub(super) async fn length(_core: &Core) -> Result<u64> {
    Ok(0)
}
pub(super) async fn lags(_core: &Core) -> Result<BTreeMap<String, u64>> {
    Ok(BTreeMap::new())
}
pub(super) async fn redact_all(_core: &Core) -> Result<()> {
    Ok(())
}
