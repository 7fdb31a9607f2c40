//! Imports: who reads which file, and how far.

use gangway_jobs::id::ImportId;
use redis::{Cmd, Value};
use uuid::Uuid;

use super::core::millis;
use super::desk::from_millis;
use super::reply::{bytes, int, other_form, text};
use super::{RedisStore, lua};
use crate::{Checkpoint, ImportBegun, ImportStart, Result};

impl RedisStore {
    pub(super) async fn begin_import(&self, start: &ImportStart) -> Result<ImportBegun> {
        const ACTION: &str = "begin an import";
        let id = ImportId::from_uuid(Uuid::new_v4());
        let fill = |command: &mut Cmd| {
            command.arg("begin").arg(&start.digest).arg(&start.name).arg(&start.owner.as_bytes()[..]);
            command.arg(millis(start.patience)).arg(&id.as_uuid().as_bytes()[..]);
            command.arg(write(&Checkpoint::default()));
        };
        let mut rest = self.core.call(ACTION, &lua::IMPORT, fill).await?.rest.into_iter();
        let other = || other_form(ACTION);
        let word = rest.next().and_then(text).ok_or_else(other)?;
        let next = rest.next().ok_or_else(other)?;
        match word.as_str() {
            "busy" => Ok(ImportBegun::Busy(from_millis(int(&next).ok_or_else(other)?))),
            "new" => Ok(ImportBegun::New(import_of(next).ok_or_else(other)?)),
            "resumed" => {
                let stored = rest.next().and_then(text).ok_or_else(other)?;
                let checkpoint = serde_json::from_str(&stored).map_err(|_form| other())?;
                Ok(ImportBegun::Resumed(import_of(next).ok_or_else(other)?, checkpoint))
            }
            _ => Err(other()),
        }
    }

    pub(super) async fn note_import(
        &self,
        word: &'static str,
        import: ImportId,
        owner: Uuid,
        checkpoint: &Checkpoint,
    ) -> Result<bool> {
        const ACTION: &str = "note an import";
        let fill = |command: &mut Cmd| {
            command.arg(word).arg(&import.as_uuid().as_bytes()[..]).arg(&owner.as_bytes()[..]);
            command.arg(write(checkpoint));
        };
        let [still] = self.core.call(ACTION, &lua::IMPORT, fill).await?.parts(ACTION)?;
        Ok(int(&still) == Some(1))
    }
}

fn write(checkpoint: &Checkpoint) -> String {
    // Numbers only: there is nothing that JSON cannot hold.
    serde_json::to_string(checkpoint).unwrap_or_default()
}

fn import_of(value: Value) -> Option<ImportId> {
    Some(ImportId::from_uuid(Uuid::from_slice(&bytes(value)?).ok()?))
}
