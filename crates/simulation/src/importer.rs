//! An import, a batch at a time; it may die between any two steps and be taken up by another process.

use std::time::Duration;

use gangway_jobs::enqueue::{Answer, NewOnboarding};
use gangway_jobs::id::ImportId;
use gangway_store::{Checkpoint, ImportBegun, ImportStart};
use uuid::Uuid;

use crate::violation::{Held, answered, broken};
use crate::world::World;

/// How long an import may be silent before another process takes it up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Imports of the partner's files.
#[derive(Debug, Default)]
pub(crate) struct Importer {
    run: Option<Run>,
    /// Imports that came to their end, by file.
    pub(crate) done: [u32; 2],
}

/// An import under way.
#[derive(Debug)]
struct Run {
    file: usize,
    import: ImportId,
    owner: Uuid,
    checkpoint: Checkpoint,
}

impl World {
    /// The next step of the import under way; begins one of that file if there is none.
    pub(crate) async fn import(&mut self, file: usize) -> Held {
        match self.importer.run.take() {
            None => self.begin_import(file).await,
            Some(run) => self.go_on_importing(run).await,
        }
    }

    /// Whether an import is under way.
    pub(crate) const fn is_importing(&self) -> bool {
        self.importer.run.is_some()
    }

    /// The process that imports dies.
    pub(crate) fn crash_import(&mut self) {
        if self.importer.run.take().is_some() {
            self.note("the import dies");
        }
    }

    async fn begin_import(&mut self, file: usize) -> Held {
        let owner = self.chance.uuid();
        let start = ImportStart {
            digest: format!("file-{file}"),
            name: format!("file-{file}.csv"),
            owner,
            patience: PATIENCE,
        };
        if self.chance.happens(200) {
            // The first reply is lost.
            answered(self.store.import_begin(start.clone()).await)?;
        }
        let begun = answered(self.store.import_begin(start).await)?;
        let (import, checkpoint) = match begun {
            ImportBegun::New(import) => (import, Checkpoint::default()),
            ImportBegun::Resumed(import, checkpoint) => (import, checkpoint),
            ImportBegun::Busy(_) => {
                self.note(format_args!("import of file {file} waits for the one before"));
                return Ok(());
            }
        };
        self.note(format_args!("import of file {file} begins after row {}", checkpoint.rows));
        self.importer.run = Some(Run { file, import, owner, checkpoint });
        Ok(())
    }

    async fn go_on_importing(&mut self, mut run: Run) -> Held {
        let rows = self.people.files.get(run.file).cloned().unwrap_or_default();
        let left = rows.into_iter().filter(|(row, _)| *row > run.checkpoint.rows);
        let most = usize::try_from(self.chance.between(1, 3)).unwrap_or(1);
        let batch: Vec<_> = left.take(most).collect();
        let Some((last, _)) = batch.last() else { return self.end_import(run).await };
        run.checkpoint.rows = *last;
        let identity = self.people.identity.clone();
        let new = batch
            .into_iter()
            .map(|(row, customer)| NewOnboarding::new(&identity, customer, Some((run.import, row))))
            .collect();
        self.hand_in(new).await?;
        if answered(self.store.import_progress(run.import, run.owner, run.checkpoint).await)? {
            self.importer.run = Some(run);
        } else {
            self.note("the import has another owner");
        }
        Ok(())
    }

    async fn end_import(&mut self, run: Run) -> Held {
        answered(self.store.import_end(run.import, run.owner, run.checkpoint).await)?;
        self.note(format_args!("import of file {} is done", run.file));
        if let Some(done) = self.importer.done.get_mut(run.file) {
            *done += 1;
        }
        Ok(())
    }

    /// Hands customers to the store; now and then the reply is lost and they are handed in again.
    pub(crate) async fn hand_in(&mut self, new: Vec<NewOnboarding>) -> Held {
        let answers = answered(self.store.enqueue(new.clone()).await)?;
        for (one, answer) in new.iter().zip(&answers) {
            let name = self.people.name(one.id).to_owned();
            self.note(format_args!("{name} is handed in: {answer:?}"));
            self.touched.insert(one.id);
            // A row that comes again is answered as the first time.
            if *answer == Answer::New && !(one.row.is_some() && self.books.knows(one.id)) {
                self.books.taken_in(one.id, &self.people)?;
            }
        }
        if self.chance.happens(150) && new.iter().all(|one| one.row.is_some()) {
            let again = answered(self.store.enqueue(new).await)?;
            if again != answers {
                return broken(
                    "a row that comes again is answered as the first time",
                    format!("{answers:?}, then {again:?}"),
                );
            }
        }
        Ok(())
    }
}
