//! A world of its own for each story: a folder, a simulator, and the program with settings that fit both.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::backend::{Backend, Home};
use crate::process::{Finished, Process};
use crate::{Error, Result};

/// Settings by their environment variable.
pub type Settings = BTreeMap<&'static str, String>;

/// A folder, a simulator, and the program.
#[derive(Debug)]
pub struct World {
    binary: PathBuf,
    // Before the folder, as it is dropped first and writes there.
    simulator: Process,
    folder: TempDir,
    backend: Backend,
    home: Home,
    url: String,
    settings: Settings,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// Fast where waiting proves nothing: a poll each second, retries from 20 ms, leases of 1 s.
const FAST: [(&str, &str); 19] = [
    ("GANGWAY__API__AUTH", "hmac"),
    ("GANGWAY__API__RATE_PER_SECOND", "5000"),
    ("GANGWAY__API__TIMEOUT", "1s"),
    ("GANGWAY__API__CONNECT_TIMEOUT", "1s"),
    ("GANGWAY__WORKER__CONCURRENCY", "16"),
    ("GANGWAY__WORKER__LEASE", "1s"),
    ("GANGWAY__WORKER__GRACE", "2s"),
    ("GANGWAY__WORKER__JOB_TIMEOUT", "5s"),
    ("GANGWAY__RETRY__INITIAL", "20ms"),
    ("GANGWAY__RETRY__MAX", "500ms"),
    ("GANGWAY__RETRY__MAX_ATTEMPTS", "30"),
    ("GANGWAY__POLL__MIN_INTERVAL", "200ms"),
    ("GANGWAY__POLL__MAX_INTERVAL", "500ms"),
    ("GANGWAY__CIRCUIT__PROBE_INTERVAL", "100ms"),
    ("GANGWAY__SYSTEMIC__CONFIRM_AFTER", "300ms"),
    ("GANGWAY__CREATE__SETTLE_WINDOW", "3s"),
    ("GANGWAY__LOG__FILTER", "info"),
    ("ONEMONEY_ACCESS_KEY", "sim_access_key"),
    ("ONEMONEY_SECRET_KEY", "c2ltdWxhdG9yLXNlY3JldC1mb3ItZGVtby1hbmQtdGVzdHM"),
];

impl World {
    /// Starts a simulator of its own for the program `binary`, whose store is a file in the world's folder.
    ///
    /// # Errors
    /// The simulator does not come up within ten seconds.
    pub fn new(binary: &Path, seed: u64) -> Result<Self> {
        Self::on(binary, seed, Backend::Sqlite)
    }

    /// The same with a new store of that kind.
    ///
    /// # Errors
    /// The simulator does not come up within ten seconds.
    pub fn on(binary: &Path, seed: u64, backend: Backend) -> Result<Self> {
        let io = |action: &'static str| move |source| Error::Io { action: action.to_owned(), source };
        let folder = TempDir::new().map_err(io("make a folder"))?;
        let port = free_port().map_err(io("find a free port"))?;
        let mut command = Command::new(binary);
        command
            .args(["simulate", "--port", &port.to_string(), "--seed", &seed.to_string()])
            .env_clear()
            .current_dir(&folder);
        let simulator = Process::start(&mut command, &folder.path().join("simulator.log"))?;
        // Loopback speaks plain HTTP; the client wants a provider all the same. Installed before is as good.
        rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(io("start a runtime"))?;
        let url = format!("http://127.0.0.1:{port}");
        let home = backend.home(folder.path(), "gangway");
        let mut settings: Settings = FAST.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        settings.extend(home.settings());
        settings.insert("GANGWAY__API__BASE_URL", url.clone());
        let world = Self {
            binary: binary.to_owned(),
            simulator,
            folder,
            backend,
            home,
            url,
            settings,
            http: reqwest::Client::new(),
            runtime,
        };
        world.wait_for_simulator()?;
        // No limit but the program's own, and a KYB that takes seconds.
        world.put("/_knobs", &serde_json::json!({"limits": {"rate": null}, "links": {"clock": "wall"}}))?;
        world.put("/_clock", &serde_json::json!({"speed": 20_000}))?;
        Ok(world)
    }

    fn wait_for_simulator(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match self.get("/_health") {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// A path in the world's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes a setting for the programs started from now on.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.settings.insert(name, value.to_owned());
    }

    /// Takes a setting away from the programs started from now on.
    pub fn unset(&mut self, name: &'static str) {
        self.settings.remove(name);
    }

    /// Where the store is.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Lets the programs started from now on have another, empty store of the same kind. `name` tells files apart.
    pub fn move_to_new_store(&mut self, name: &str) {
        self.home = self.backend.home(self.folder.path(), name);
        self.settings.extend(self.home.settings());
    }

    /// Deletes the store, as if its disk were lost. Programs that write to a file at that time must be stopped before.
    ///
    /// # Errors
    /// The system or the server refuses; on Redis this works on a single server alone.
    pub fn lose_store(&self) -> Result<()> {
        self.home.lose()
    }

    /// A command line of the program with the world's settings and nothing else of the environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).env_clear().envs(&self.settings).current_dir(&self.folder);
        command
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// It could not be started.
    pub fn run(&self, arguments: &[&str]) -> Result<Finished> {
        Process::run(&mut self.command(arguments))
    }

    /// Runs the program, which must succeed, and reads its JSON.
    ///
    /// # Errors
    /// It failed, or printed something else.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        self.run(arguments)?.expect_code(0)?.json()
    }

    /// Starts the program in the background; its log is appended to `log` in the folder.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(&self, arguments: &[&str], log: &str) -> Result<Process> {
        Process::start(&mut self.command(arguments), &self.path(log))
    }

    /// Starts a worker that works until it is stopped; `number` tells its log, `worker-NUMBER.log`.
    ///
    /// # Errors
    /// It could not be started.
    pub fn worker(&self, number: usize) -> Result<Process> {
        self.start(&["worker"], &format!("worker-{number}.log"))
    }

    /// Starts so many workers, numbered from 0.
    ///
    /// # Errors
    /// One could not be started.
    pub fn workers(&self, count: usize) -> Result<Vec<Process>> {
        (0..count).map(|number| self.worker(number)).collect()
    }

    /// Starts a worker whose closing counts are kept; with `until_idle` it ends when every onboarding has an end. Its log is
    /// `worker-NUMBER.log`.
    ///
    /// # Errors
    /// It could not be started.
    pub fn counted_worker(&self, number: usize, until_idle: bool) -> Result<Process> {
        let arguments: &[&str] =
            if until_idle { &["worker", "--until-idle", "--json"] } else { &["worker", "--json"] };
        let (output, log) = (self.path(&closing(number)), self.counted_worker_log(number));
        Process::start_telling(&mut self.command(arguments), &output, &log)
    }

    /// The file to which a counted worker logs.
    pub fn counted_worker_log(&self, number: usize) -> PathBuf {
        self.path(&format!("worker-{number}.log"))
    }

    /// What a counted worker said at its end.
    ///
    /// # Errors
    /// It has said nothing: it runs still, or was killed.
    pub fn closing_counts(&self, number: usize) -> Result<Value> {
        let path = self.path(&closing(number));
        let text = std::fs::read_to_string(&path)
            .map_err(|source| Error::Io { action: format!("read {}", path.display()), source })?;
        serde_json::from_str(text.trim()).map_err(|_not_json| {
            Error::Broken(format!("worker {number} told no counts at its end: {text:?}"))
        })
    }

    /// The names of the store's keys begin with this, in braces; none on an embedded store.
    pub fn namespace(&self) -> Option<&str> {
        self.settings.get("GANGWAY__STORE__NAMESPACE").map(String::as_str)
    }

    /// `gangway status --json`.
    ///
    /// # Errors
    /// It failed.
    pub fn status(&self) -> Result<Value> {
        self.json(&["status", "--json"])
    }

    /// Asks the simulator.
    ///
    /// # Errors
    /// It does not answer with JSON.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.ask(path, self.http.get(format!("{}{path}", self.url)))
    }

    /// Tells the simulator.
    ///
    /// # Errors
    /// It refuses.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.ask(path, self.http.put(format!("{}{path}", self.url)).json(body))
    }

    /// The same by `POST`.
    ///
    /// # Errors
    /// It refuses.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.ask(path, self.http.post(format!("{}{path}", self.url)).json(body))
    }

    fn ask(&self, path: &str, request: reqwest::RequestBuilder) -> Result<Value> {
        self.runtime
            .block_on(async { read(request.send().await?.error_for_status()?).await })
            .map_err(|source| Error::Simulator { path: path.to_owned(), source })
    }

    /// What the simulator saw.
    ///
    /// # Errors
    /// It does not answer.
    pub fn audit(&self) -> Result<Value> {
        self.get("/_audit")
    }

    /// Stops the simulator.
    ///
    /// # Errors
    /// The system refuses.
    pub fn stop_simulator(&mut self) -> Result<()> {
        self.simulator.kill()
    }
}

/// The JSON of an answer; nothing of one that has no content.
async fn read(answer: reqwest::Response) -> std::result::Result<Value, reqwest::Error> {
    if answer.status() == reqwest::StatusCode::NO_CONTENT { Ok(Value::Null) } else { answer.json().await }
}

fn closing(number: usize) -> String {
    format!("worker-{number}.json")
}

fn free_port() -> std::io::Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr().map(|address| address.port())
}
