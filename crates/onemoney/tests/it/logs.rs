//! What is logged: that calls were made, never what was in them.

use std::io;
use std::sync::{Arc, Mutex};

use gangway_onemoney::Api;
use tracing_subscriber::fmt::MakeWriter;

use crate::server::{Server, answer, answer_with};
use crate::{CREATED, client, id, key, zoe};

#[derive(Clone, Debug, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Page {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_request_id_is_logged_and_nothing_personal_or_secret() {
    let page = Page::default();
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(page.clone())
        .finish();
    // For all tests of this program: a subscriber of one thread may miss what another thread met first.
    tracing::subscriber::set_global_default(log).unwrap();

    let link = r#"{"onboarding_url":"https://o.example/?token=tok_1","expires_at":"2026-03-02T00:29:59Z"}"#;
    let refusal = r#"{"code":"Bad_Request","detail":"zoe@mueller.example exists"}"#;
    let server = Server::start([
        answer_with("201 Created", "x-request-id: req-77\r\n", CREATED),
        answer("201 Created", link),
        answer("400 Bad Request", refusal),
    ])
    .await;
    let client = client(&server);
    client.create_customer(&zoe(), &key()).await.unwrap();
    client.create_link(&id(), &uuid::Uuid::new_v4()).await.unwrap();
    client.create_customer(&zoe(), &key()).await.unwrap_err();

    let logged = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("API answered") && logged.contains("req-77"), "{logged}");
    for secret in ["zoe@", "Zoë", "Müller", "株式会社", "tok_1", "o.example", "sim_ak_7Qm2", "AwoRGB8m"]
    {
        assert!(!logged.contains(secret), "{secret}: {logged}");
    }
}
