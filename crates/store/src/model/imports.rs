//! Imports: who reads which file, and how far.

use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::ImportId;
use uuid::Uuid;

use super::state::State;
use crate::words::{Checkpoint, ImportBegun, ImportStart};

/// One run over one file.
#[derive(Debug)]
pub(super) struct Import {
    digest: String,
    owner: Uuid,
    /// How long its owner may be silent.
    patience: Duration,
    seen_at: Timestamp,
    checkpoint: Checkpoint,
    ended: bool,
}

impl State {
    pub(super) fn import_begin(&mut self, start: &ImportStart, now: Timestamp) -> ImportBegun {
        let unfinished =
            self.imports.iter_mut().find(|(_, import)| import.digest == start.digest && !import.ended);
        let Some((id, import)) = unfinished else {
            let id = ImportId::from_uuid(Uuid::new_v4());
            let import = Import {
                digest: start.digest.clone(),
                owner: start.owner,
                patience: start.patience,
                seen_at: now,
                checkpoint: Checkpoint::default(),
                ended: false,
            };
            self.imports.insert(id, import);
            return ImportBegun::New(id);
        };
        let silent_for = now.since(import.seen_at);
        if import.owner != start.owner && silent_for <= import.patience {
            return ImportBegun::Busy(import.patience.saturating_sub(silent_for));
        }
        // The same owner asks again at the very beginning: its first reply was lost.
        let is_repeat = import.owner == start.owner && import.checkpoint == Checkpoint::default();
        import.owner = start.owner;
        import.patience = start.patience;
        import.seen_at = now;
        if is_repeat { ImportBegun::New(*id) } else { ImportBegun::Resumed(*id, import.checkpoint) }
    }

    fn owned(&mut self, id: ImportId, owner: Uuid) -> Option<&mut Import> {
        self.imports.get_mut(&id).filter(|import| import.owner == owner)
    }

    pub(super) fn import_progress(
        &mut self,
        id: ImportId,
        owner: Uuid,
        checkpoint: Checkpoint,
        now: Timestamp,
    ) -> bool {
        let Some(import) = self.owned(id, owner) else { return false };
        if !import.ended {
            import.checkpoint = checkpoint;
            import.seen_at = now;
        }
        !import.ended
    }

    pub(super) fn import_end(
        &mut self,
        id: ImportId,
        owner: Uuid,
        checkpoint: Checkpoint,
        now: Timestamp,
    ) -> bool {
        self.import_progress(id, owner, checkpoint, now);
        let Some(import) = self.owned(id, owner) else { return false };
        import.ended = true;
        true
    }
}
