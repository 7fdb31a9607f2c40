//! A server over loopback that answers by script and remembers every byte it was sent.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Answers these bytes and keeps the connection.
    Say(Vec<u8>),
    /// Answers these bytes, then resets the connection.
    SayAndReset(Vec<u8>),
    /// Answers nothing, for ever.
    Hang,
    /// Answers the head and the first bytes, and never the rest.
    SayAndHang(Vec<u8>),
    /// An answer without end: the head, then this many bytes in pieces.
    Flood(usize),
}

/// A whole answer.
pub(crate) fn answer(status: &str, body: &str) -> Step {
    answer_with(status, "content-type: application/json\r\n", body)
}

/// A whole answer with more headers.
pub(crate) fn answer_with(status: &str, headers: &str, body: &str) -> Step {
    let length = body.len();
    Step::Say(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes())
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Bytes of a flood that the other side took.
    pub(crate) flooded: Arc<Mutex<usize>>,
}

impl Server {
    /// Serves the steps in turn, one a request, over however many connections; then hangs.
    pub(crate) async fn start(steps: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let steps: Arc<Mutex<VecDeque<Step>>> = Arc::new(Mutex::new(steps.into_iter().collect()));
        let seen = Arc::default();
        let flooded = Arc::default();
        let server = Self { address, seen: Arc::clone(&seen), flooded: Arc::clone(&flooded) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (steps, seen, flooded) = (Arc::clone(&steps), Arc::clone(&seen), Arc::clone(&flooded));
                tokio::spawn(async move { serve(stream, &steps, &seen, &flooded).await });
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    steps: &Mutex<VecDeque<Step>>,
    seen: &Mutex<Vec<Seen>>,
    flooded: &Mutex<usize>,
) {
    while let Some(request) = receive(&mut stream).await {
        seen.lock().unwrap().push(request);
        let step = steps.lock().unwrap().pop_front().unwrap_or(Step::Hang);
        match step {
            Step::Say(bytes) => stream.write_all(&bytes).await.unwrap(),
            Step::SayAndReset(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
                stream.set_zero_linger().unwrap();
                return;
            }
            Step::Hang => return hang(stream).await,
            Step::SayAndHang(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                return hang(stream).await;
            }
            Step::Flood(size) => return flood(stream, size, flooded).await,
        }
    }
}

async fn hang(stream: TcpStream) {
    std::future::pending::<()>().await;
    drop(stream);
}

/// Claims no length, so that only counting can stop it.
async fn flood(mut stream: TcpStream, size: usize, flooded: &Mutex<usize>) {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    let mut head = String::new();
    write!(head, "{:x}\r\n", 16 * 1024).unwrap();
    let piece = [head.as_bytes(), &[b'x'; 16 * 1024], b"\r\n"].concat();
    let mut sent = 0;
    while sent < size {
        if stream.write_all(&piece).await.is_err() {
            return;
        }
        sent += 16 * 1024;
        *flooded.lock().unwrap() = sent;
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        more(stream, &mut bytes).await?;
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    while bytes.len() < head + 4 + length {
        more(stream, &mut bytes).await?;
    }
    Some(Seen { method, target, headers, body: bytes[head + 4..].to_vec() })
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(bytes).await.ok()?;
    (read > 0).then_some(())
}
