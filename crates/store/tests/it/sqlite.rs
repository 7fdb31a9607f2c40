//! What only a store in a file can do: be missing, be something else, be replaced, be shared, outlive its process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gangway_jobs::clock::{Clock, ManualClock, SystemClock, Timestamp};
use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::enqueue::{Answer, NewOnboarding};
use gangway_jobs::failure::Code;
use gangway_jobs::id::{JobId, LeaseToken, WorkerId};
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::{Patch, Stage};
use gangway_jobs::outcome::{FollowUp, Outcome, Settled, Settlement, Step};
use gangway_jobs::payload::{CreateCustomer, Payload, PollStatus};
use gangway_jobs::signal::Signal;
use gangway_store::sqlite::{Mode, OpenOptions, Place, SqliteStore};
use gangway_store::stamp::Expected;
use gangway_store::{DeadFilter, Error, LeaseRequest, Policies, SharedStore, Target};
use tempfile::TempDir;

const LEASE: Duration = Duration::from_secs(30);

fn made_for() -> Expected {
    Expected {
        api_base_url: "https://api.example".to_owned(),
        entity: "default".to_owned(),
        secret_fingerprint: "f".to_owned(),
    }
}

fn policies() -> Policies {
    let rate = RatePolicy { per_second: 100_000.0, ..RatePolicy::default() };
    Policies { rate, busy_timeout: Duration::from_millis(300), ..Policies::default() }
}

fn try_open(path: &Path, mode: Mode) -> Result<SharedStore, Error> {
    open_with(path, mode, Arc::new(SystemClock))
}

fn open_with(path: &Path, mode: Mode, clock: Arc<dyn Clock>) -> Result<SharedStore, Error> {
    let options = OpenOptions { place: Place::File(path.to_owned()), mode, policies: policies(), clock };
    Ok(SqliteStore::open(options)?)
}

fn open(path: &Path) -> SharedStore {
    try_open(path, Mode::Create(made_for())).unwrap()
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gangway.db");
    (folder, path)
}

fn customer(n: u32, company: &str) -> NewOnboarding {
    let raw = RawCustomer {
        reference: Some(&format!("ref-{n}")),
        email: &format!("person{n}@company.example"),
        first_name: "Ada",
        last_name: "Byron",
        company_name: company,
        customer_type: None,
    };
    let identity = Identity::new(IdentitySecret::new("test"), "default");
    NewOnboarding::new(&identity, NewCustomer::parse(raw).unwrap(), None)
}

fn customers(numbers: std::ops::Range<u32>) -> Vec<NewOnboarding> {
    numbers.map(|n| customer(n, "Company")).collect()
}

fn ask(kind: Kind, max: usize) -> LeaseRequest {
    LeaseRequest {
        kind,
        max,
        token: LeaseToken::mint(),
        worker: WorkerId::mint(),
        credential: "c".to_owned(),
        length: LEASE,
    }
}

fn end(job: JobId, token: LeaseToken, outcome: Outcome) -> Settlement {
    let credential = "c".to_owned();
    Settlement { job, token, worker: WorkerId::mint(), credential, outcome, signal: Signal::None }
}

fn complete() -> Outcome {
    let follow_ups = vec![FollowUp::now(Payload::PollStatus(PollStatus::default()))];
    let patch = Patch { stage: Some(Stage::Created), ..Patch::default() };
    Outcome::Complete(Step { patch, follow_ups, events: Vec::new() })
}

/// A connection past the store, to do what only damage would.
fn tamper(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

// ---- opening ----

#[tokio::test]
async fn only_a_command_that_may_create_makes_a_store() {
    let (_folder, path) = place();
    for mode in [Mode::Existing(made_for()), Mode::AsFound] {
        assert!(matches!(try_open(&path, mode), Err(Error::Missing { .. })));
        assert!(!path.exists());
    }
    drop(open(&path));
    drop(try_open(&path, Mode::Existing(made_for())).unwrap());
    drop(try_open(&path, Mode::AsFound).unwrap());
}

#[tokio::test]
async fn an_empty_file_becomes_a_store_only_where_one_may_be_made() {
    let (_folder, path) = place();
    std::fs::write(&path, "").unwrap();
    assert!(matches!(try_open(&path, Mode::AsFound), Err(Error::Missing { .. })));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    drop(open(&path));
    drop(try_open(&path, Mode::AsFound).unwrap());
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_was() {
    let (folder, path) = place();
    let text = "reference,email\n".repeat(200);
    std::fs::write(&path, &text).unwrap();
    let other = folder.path().join("other.db");
    tamper(&other, "CREATE TABLE mine (a); PRAGMA application_id = 7;");
    let before = std::fs::read(&other).unwrap();
    for mode in [Mode::Create(made_for()), Mode::Existing(made_for()), Mode::AsFound] {
        assert!(matches!(try_open(&path, mode.clone()), Err(Error::NotAStore { .. })));
        assert!(matches!(try_open(&other, mode.clone()), Err(Error::NotAStore { .. })));
        assert!(matches!(try_open(folder.path(), mode), Err(Error::NotAStore { .. })));
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert_eq!(std::fs::read(&other).unwrap(), before);
}

#[tokio::test]
async fn a_store_of_a_newer_release_is_refused() {
    let (_folder, path) = place();
    drop(open(&path));
    tamper(&path, "PRAGMA user_version = 99;");
    for mode in [Mode::Create(made_for()), Mode::Existing(made_for()), Mode::AsFound] {
        assert!(matches!(try_open(&path, mode), Err(Error::Newer { found: 99, .. })));
    }
}

/// Makes of a store what the first release left.
fn take_back_to_the_first_schema(path: &Path) {
    tamper(path, "ALTER TABLE store DROP COLUMN limits; PRAGMA user_version = 1;");
}

#[tokio::test]
async fn a_store_of_an_earlier_release_is_brought_up_to_date_by_whoever_opens_it_first() {
    for mode in [Mode::Create(made_for()), Mode::Existing(made_for()), Mode::AsFound] {
        let (_folder, path) = place();
        let store = open(&path);
        store.enqueue(customers(0..3)).await.unwrap();
        store.pause(Some(Kind::CreateLink)).await.unwrap();
        store.close().await;
        take_back_to_the_first_schema(&path);
        let opening: Vec<_> = (0..4)
            .map(|_| {
                let (path, mode) = (path.clone(), mode.clone());
                std::thread::spawn(move || try_open(&path, mode).unwrap())
            })
            .collect();
        let stores: Vec<SharedStore> = opening.into_iter().map(|opens| opens.join().unwrap()).collect();
        let limits = RatePolicy { per_second: 3.0, ..RatePolicy::default() };
        stores[0].set_limits(Some(limits)).await.unwrap();
        let status = stores[1].status().await.unwrap();
        assert_eq!((status.total(), status.paused), (3, vec![Kind::CreateLink]));
        assert_eq!(stores[2].limits().await.unwrap(), Some(limits));
        let leased = stores[3].lease(ask(Kind::CreateCustomer, 10)).await.unwrap().jobs;
        assert_eq!(leased.len(), 2, "two seconds of four tenths of three a second");
    }
}

#[tokio::test]
async fn a_limit_that_cannot_be_read_stops_calls_until_it_is_set_anew() {
    let (_folder, path) = place();
    let store = open(&path);
    store.enqueue(customers(0..2)).await.unwrap();
    tamper(&path, "UPDATE store SET limits = '{'");
    let damaged = |error: Error| matches!(error, Error::Damaged { what: "rate limit", .. });
    assert!(damaged(store.limits().await.unwrap_err()));
    assert!(damaged(store.lease(ask(Kind::CreateCustomer, 10)).await.unwrap_err()));
    store.set_limits(None).await.unwrap();
    assert_eq!(store.lease(ask(Kind::CreateCustomer, 10)).await.unwrap().jobs.len(), 2);
}

#[tokio::test]
async fn a_store_made_for_something_else_is_refused_unless_one_only_looks() {
    let (_folder, path) = place();
    drop(open(&path));
    let production = Expected { api_base_url: "https://production.example".to_owned(), ..made_for() };
    for mode in [Mode::Create(production.clone()), Mode::Existing(production)] {
        let error = try_open(&path, mode).unwrap_err().to_string();
        assert!(error.contains("api.base_url"), "{error}");
    }
    let found = try_open(&path, Mode::AsFound).unwrap();
    assert_eq!(found.stamp().await.unwrap().made_for, made_for());
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, path) = place();
    drop(open(&path));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn processes_that_make_a_store_at_the_same_time_make_one() {
    let (_folder, path) = place();
    let openings: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::task::spawn_blocking(move || open(&path))
        })
        .collect();
    let mut epochs = Vec::new();
    for opening in openings {
        epochs.push(opening.await.unwrap().stamp().await.unwrap().epoch);
    }
    epochs.dedup();
    assert_eq!(epochs.len(), 1);
}

// ---- the file ----

#[cfg(unix)]
#[tokio::test]
async fn a_store_whose_file_was_removed_writes_no_more() {
    let (_folder, path) = place();
    let store = open(&path);
    store.enqueue(customers(0..1)).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(store.enqueue(customers(1..2)).await, Err(Error::Replaced { .. })));
    assert!(matches!(store.status().await, Err(Error::Replaced { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_whose_file_was_replaced_writes_no_more_even_when_it_comes_back() {
    let (folder, path) = place();
    let store = open(&path);
    let aside = folder.path().join("aside.db");
    std::fs::rename(&path, &aside).unwrap();
    std::fs::copy(&aside, &path).unwrap();
    assert!(matches!(store.enqueue(customers(0..1)).await, Err(Error::Replaced { .. })));
    std::fs::rename(&aside, &path).unwrap();
    assert!(matches!(store.enqueue(customers(0..1)).await, Err(Error::Replaced { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_whose_file_is_gone_does_not_touch_the_log_of_the_next_one() {
    let (folder, path) = place();
    let gone = open(&path);
    gone.enqueue(customers(0..1)).await.unwrap();
    for name in ["gangway.db", "gangway.db-wal", "gangway.db-shm"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let next = open(&path);
    next.enqueue(customers(0..10)).await.unwrap();
    gone.close().await;
    drop(gone);
    next.enqueue(customers(10..20)).await.unwrap();
    assert_eq!(as_after_a_kill(&path).status().await.unwrap().total(), 20);
}

/// What a kill leaves behind: file and log as they are at this moment, with nobody to tidy up.
fn as_after_a_kill(path: &Path) -> SharedStore {
    let copy = path.with_file_name("copy.db");
    std::fs::copy(path, &copy).unwrap();
    std::fs::copy(path.with_file_name("gangway.db-wal"), path.with_file_name("copy.db-wal")).unwrap();
    open(&copy)
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_process_that_just_stops() {
    let (_folder, path) = place();
    let store = open(&path);
    store.enqueue(customers(0..100)).await.unwrap();
    let leased = store.lease(ask(Kind::CreateCustomer, 10)).await.unwrap().jobs;
    store.settle(leased.iter().map(|job| end(job.id, job.token, complete())).collect()).await.unwrap();
    let again = as_after_a_kill(&path);
    let status = again.status().await.unwrap();
    assert_eq!(status, store.status().await.unwrap());
    assert_eq!(status.by_stage[&Stage::Created], 10);
    assert_eq!(status.total(), 100);
    let repeated = again.settle(vec![end(leased[0].id, leased[0].token, complete())]).await.unwrap();
    assert_eq!(repeated, [Settled::Already]);
}

#[tokio::test]
async fn a_closed_store_has_written_what_it_accepted_and_takes_nothing_more() {
    let (_folder, path) = place();
    let store = open(&path);
    let accepted = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.enqueue(customers(0..1_000)).await }
    });
    tokio::task::yield_now().await;
    store.close().await;
    let written = accepted.await.unwrap().map_or(0, |answers| answers.len() as u64);
    assert!(matches!(store.status().await, Err(Error::Closed)));
    assert!(matches!(store.enqueue(customers(0..1)).await, Err(Error::Closed)));
    assert_eq!(open(&path).status().await.unwrap().total(), written);
    store.close().await;
}

#[tokio::test]
async fn time_does_not_go_back_over_a_restart() {
    let (_folder, path) = place();
    let late = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let store = open_with(&path, Mode::Create(made_for()), Arc::clone(&late) as Arc<dyn Clock>).unwrap();
    late.advance(Duration::from_secs(100));
    store.enqueue(customers(0..1)).await.unwrap();
    store.close().await;
    let early = Arc::new(ManualClock::new(Timestamp::from_millis(500_000)));
    let store = open_with(&path, Mode::Existing(made_for()), early).unwrap();
    assert_eq!(store.now().await.unwrap(), Timestamp::from_millis(1_100_000));
}

/// A clock whose two sides a test moves apart.
#[derive(Debug, Default)]
struct TwoClocks {
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl TwoClocks {
    fn advance(&self, wall: Duration, monotonic: Duration) {
        self.wall.fetch_add(u64::try_from(wall.as_millis()).unwrap(), Ordering::SeqCst);
        self.monotonic.fetch_add(u64::try_from(monotonic.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TwoClocks {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.wall.load(Ordering::SeqCst)).unwrap())
    }

    fn monotonic(&self) -> Option<Duration> {
        Some(Duration::from_millis(self.monotonic.load(Ordering::SeqCst)))
    }
}

#[tokio::test]
async fn a_machine_that_slept_gives_every_lease_one_more_term() {
    let (_folder, path) = place();
    let clock = Arc::new(TwoClocks::default());
    let store = open_with(&path, Mode::Create(made_for()), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    store.enqueue(customers(0..2)).await.unwrap();
    assert_eq!(store.lease(ask(Kind::CreateCustomer, 2)).await.unwrap().jobs.len(), 2);
    clock.advance(Duration::from_hours(8), Duration::from_secs(1));
    // Whoever looks first must not use the grace up.
    store.enqueue(customers(2..3)).await.unwrap();
    assert_eq!(store.take_back(10).await.unwrap().jobs, 0);
    clock.advance(LEASE / 2, LEASE / 2);
    assert_eq!(store.take_back(10).await.unwrap().jobs, 0);
    clock.advance(LEASE, LEASE);
    assert_eq!(store.take_back(10).await.unwrap().jobs, 2);
}

// ---- several processes ----

#[tokio::test]
async fn another_handles_work_is_seen_within_fifty_milliseconds() {
    let (_folder, path) = place();
    let (mine, other) = (open(&path), open(&path));
    mine.status().await.unwrap();
    for round in 0..5 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let waits = tokio::spawn({
            let mine = Arc::clone(&mine);
            async move {
                mine.changed(Duration::from_secs(5)).await;
                Instant::now()
            }
        });
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(!waits.is_finished() || round == 0, "woken by nothing");
        other.enqueue(customers(round..round + 1)).await.unwrap();
        let written = Instant::now();
        let woken = waits.await.unwrap();
        // Generous: the promise is 50 ms, the machine may be busy.
        assert!(woken.saturating_duration_since(written) < Duration::from_millis(250), "round {round}");
        assert_eq!(mine.status().await.unwrap().total(), u64::from(round) + 1);
    }
}

#[tokio::test]
async fn the_own_commits_wake_at_once_and_nothing_wakes_before_its_time() {
    let (_folder, path) = place();
    let store = open(&path);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    store.changed(Duration::from_millis(100)).await;
    assert!(begun.elapsed() >= Duration::from_millis(100));
    store.enqueue(customers(0..1)).await.unwrap();
    // The commit came between the question and the wait: it is not missed.
    let begun = Instant::now();
    store.changed(Duration::from_secs(5)).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handles_share_the_work_and_lease_no_job_twice() {
    let (_folder, path) = place();
    let stores = [open(&path), open(&path)];
    stores[0].enqueue(customers(0..500)).await.unwrap();
    let workers = stores.map(|store| {
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let jobs = store.lease(ask(Kind::CreateCustomer, 7)).await.unwrap().jobs;
                if jobs.is_empty() {
                    return mine;
                }
                let ends = jobs.iter().map(|job| end(job.id, job.token, complete())).collect();
                assert!(store.settle(ends).await.unwrap().iter().all(|it| *it == Settled::Done));
                mine.extend(jobs.into_iter().map(|job| job.id));
            }
        })
    });
    let mut all = Vec::new();
    for worker in workers {
        let mine = worker.await.unwrap();
        assert!(!mine.is_empty(), "one handle starved the other");
        all.extend(mine);
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 500);
}

#[tokio::test]
async fn a_lock_that_another_process_keeps_is_waited_for_and_then_told() {
    let (_folder, path) = place();
    let store = open(&path);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.enqueue(customers(0..1)).await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }) && error.is_transient());
    assert_eq!(store.status().await.unwrap().total(), 0);
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(store.enqueue(customers(0..1)).await.unwrap(), [Answer::New]);
}

// ---- harm stays where it is ----

#[tokio::test]
async fn one_that_fails_in_a_group_harms_only_itself() {
    let (_folder, path) = place();
    let store = open(&path);
    store.enqueue(customers(0..2)).await.unwrap();
    tamper(&path, "UPDATE onboarding SET record = '{' WHERE reference = 'ref-0'");
    let other = rusqlite::Connection::open(&path).unwrap();
    // Nothing can be written yet, so all of these meet in one group.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let failing = store.cancel(Target::Reference("ref-0".to_owned()));
    let good = store.cancel(Target::Reference("ref-1".to_owned()));
    let more = store.enqueue(customers(2..4));
    let free = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        other.execute_batch("COMMIT").unwrap();
    };
    let (failing, good, more, ()) = tokio::join!(failing, good, more, free);
    assert!(matches!(failing, Err(Error::Damaged { what: "record", .. })), "{failing:?}");
    good.unwrap().unwrap();
    assert_eq!(more.unwrap(), [Answer::New, Answer::New]);
    let status = store.status().await.unwrap();
    assert_eq!((status.total(), status.by_stage[&Stage::Cancelled]), (4, 1));
}

#[tokio::test]
async fn a_damaged_record_costs_its_own_job_and_no_other() {
    let (_folder, path) = place();
    let store = open(&path);
    store.enqueue(customers(0..3)).await.unwrap();
    tamper(&path, "UPDATE onboarding SET record = '{\"id\":7}' WHERE reference = 'ref-1'");
    let leased = store.lease(ask(Kind::CreateCustomer, 10)).await.unwrap().jobs;
    assert_eq!(leased.len(), 2);
    let dead = store.dead(DeadFilter::default(), None, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].failure.as_ref().unwrap().code, Code::Undecodable);
    assert_eq!(store.records(None, 10).await.unwrap().len(), 2);
    assert_eq!(store.redrive(DeadFilter::default(), 10).await.unwrap(), 0);
    let again = store.enqueue(customers(0..4)).await.unwrap();
    assert_eq!(again, [Answer::Duplicate, Answer::ConflictingContent, Answer::Duplicate, Answer::New]);
    assert_eq!(store.status().await.unwrap().total(), 4);
}

#[tokio::test]
async fn an_end_that_cannot_be_written_is_buried_alone() {
    let (_folder, path) = place();
    let store = open(&path);
    store.enqueue(customers(0..3)).await.unwrap();
    let leased = store.lease(ask(Kind::CreateCustomer, 10)).await.unwrap().jobs;
    let mut huge = customer(9, "Company").customer;
    let company = "x".repeat(70_000);
    let raw = serde_json::to_value(&huge).unwrap();
    let mut raw = raw.as_object().unwrap().clone();
    raw.insert("company_name".to_owned(), company.into());
    if let Ok(parsed) = serde_json::from_value(raw.into()) {
        huge = parsed;
    }
    let too_large = Payload::CreateCustomer(CreateCustomer { customer: huge });
    assert!(too_large.encode().len() > gangway_jobs::payload::MAX_BYTES);
    let step = Step { follow_ups: vec![FollowUp::now(too_large)], ..Step::default() };
    let ends = leased
        .iter()
        .enumerate()
        .map(|(n, job)| {
            let outcome = if n == 1 { Outcome::Complete(step.clone()) } else { complete() };
            end(job.id, job.token, outcome)
        })
        .collect();
    assert_eq!(store.settle(ends).await.unwrap(), [Settled::Done; 3]);
    let dead = store.dead(DeadFilter::default(), None, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].job, leased[1].id);
    assert_eq!(dead[0].failure.as_ref().unwrap().code, Code::Unsettleable);
    let status = store.status().await.unwrap();
    assert_eq!((status.by_stage[&Stage::Created], status.by_stage[&Stage::Dead]), (2, 1));
    assert_eq!(status.by_stage.get(&Stage::Accepted), None);
}
