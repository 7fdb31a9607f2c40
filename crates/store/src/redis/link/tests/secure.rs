//! Passwords, sockets, certificates.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::process::Process;
use super::{config, count, link, ping};
use crate::Error;
use crate::redis::RedisConfig;
use crate::redis::link::Server;

#[tokio::test]
async fn only_the_right_password_is_let_in() {
    let settings = "requirepass p@ss/w?rd\nuser worker on >x:y ~* &* +@all\n";
    let server = Process::with(settings);
    let port = server.port;
    for login in [":p%40ss%2Fw%3Frd@", "default:p%40ss%2fw%3frd@", "worker:x:y@", "worker:x%3Ay@"] {
        let link = link(&format!("redis://{login}127.0.0.1:{port}/3"), &config());
        ping(&link).await.unwrap();
        assert_eq!(link.place(), format!("redis://127.0.0.1:{port}/3"));
    }
    for login in ["", ":wrong@", "nobody:x%3Ay@"] {
        let error = ping(&link(&format!("redis://{login}127.0.0.1:{port}"), &config())).await.unwrap_err();
        assert!(matches!(&error, Error::Redis { .. }) && !error.is_transient(), "{login}: {error:?}");
        assert!(!format!("{error:?}").contains("wrong@"), "{error:?}");
    }
}

#[tokio::test]
async fn a_socket_is_a_place_too() {
    let server = Process::with("unixsocket DIR/redis.sock\nunixsocketperm 700\n");
    let socket = server.dir().join("redis.sock");
    for form in ["unix://", "redis+unix://", "unix:"] {
        let link = link(&format!("{form}{}?db=2", socket.display()), &config());
        count(&link).await.unwrap();
        assert_eq!(link.place(), format!("unix://{}?db=2", socket.display()));
    }
    let keys = server.tell(&["INFO", "keyspace"]);
    assert!(keys.contains("db2:keys=1"), "{keys}");
}

/// An authority and what it has signed.
struct Authority {
    dir: PathBuf,
}

impl Authority {
    fn new(dir: &Path, name: &str) -> Self {
        let authority = Self { dir: dir.to_owned() };
        let subject = format!("/CN={name}");
        authority.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            &format!("{name}.key"),
            "-out",
            &format!("{name}.crt"),
            "-subj",
            &subject,
        ]);
        authority
    }

    /// Signs a certificate for 127.0.0.1.
    fn sign(&self, authority: &str, name: &str) {
        std::fs::write(self.dir.join("ext"), "subjectAltName=IP:127.0.0.1\n").unwrap();
        let [key, request, certificate] = ["key", "csr", "crt"].map(|kind| format!("{name}.{kind}"));
        self.openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &request,
            "-subj",
            &format!("/CN={name}"),
        ]);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &format!("{authority}.crt"),
            "-CAkey",
            &format!("{authority}.key"),
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "ext",
            "-out",
            &certificate,
        ]);
    }

    fn openssl(&self, args: &[&str]) {
        let mut command = Command::new("openssl");
        command.args(args).current_dir(&self.dir).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "{args:?}");
    }
}

/// Speaks TLS on its only port.
fn encrypted(clients: &str) -> Process {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new(dir.path(), "ca");
    Authority::new(dir.path(), "other");
    authority.sign("ca", "server");
    authority.sign("ca", "client");
    let settings = format!(
        "tls-port TLSPORT\ntls-auth-clients {clients}\ntls-ca-cert-file DIR/ca.crt\n\
         tls-cert-file DIR/server.crt\ntls-key-file DIR/server.key\n"
    );
    Process::with_files(dir, &settings)
}

#[tokio::test]
async fn an_encrypted_server_is_trusted_by_its_authority_only() {
    let server = encrypted("no");
    let url = format!("rediss://127.0.0.1:{}", server.port);
    let trusting = |file: &str| RedisConfig { ca_file: Some(server.dir().join(file)), ..config() };
    let good = link(&url, &trusting("ca.crt"));
    assert_eq!(count(&good).await.unwrap(), 1);
    assert_eq!(good.place(), url);

    let error = ping(&link(&url, &trusting("other.crt"))).await.unwrap_err();
    let Error::Redis { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("certificate"), "{source}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_one() {
    let server = encrypted("yes");
    let url = format!("rediss://127.0.0.1:{}", server.port);
    let file = |name: &str| Some(server.dir().join(name));
    let anonymous = RedisConfig { ca_file: file("ca.crt"), ..config() };
    let known = RedisConfig {
        client_certificate: file("client.crt"),
        client_key: file("client.key"),
        ..anonymous.clone()
    };
    assert_eq!(count(&link(&url, &known)).await.unwrap(), 1);
    assert!(ping(&link(&url, &anonymous)).await.is_err());
}

#[test]
fn a_certificate_that_cannot_be_used_is_named() {
    let dir = TempDir::new().unwrap();
    Authority::new(dir.path(), "ca");
    std::fs::write(dir.path().join("empty"), "nothing").unwrap();
    let file = |name: &str| Some(dir.path().join(name));
    let refuse = |url: &str, config: RedisConfig| match Server::parse(url, &config) {
        Err(Error::Setting { reason }) => reason,
        other => panic!("{other:?}"),
    };
    let authority = |name| RedisConfig { ca_file: file(name), ..config() };
    let reason = refuse("rediss://h", authority("none"));
    assert!(reason.contains("store.ca_file") && reason.contains("/none"), "{reason}");
    let reason = refuse("rediss://h", authority("empty"));
    assert!(reason.contains("holds no certificate"), "{reason}");
    let reason = refuse("redis://h", authority("ca.crt"));
    assert!(reason.contains("rediss://"), "{reason}");
    let no_key = RedisConfig { client_certificate: file("ca.crt"), client_key: file("empty"), ..config() };
    let reason = refuse("rediss://h", no_key);
    assert!(reason.contains("store.client_key"), "{reason}");
    Server::parse("rediss://h", &authority("ca.crt")).unwrap();
}
