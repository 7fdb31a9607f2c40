//! A connection that sends commands as text.

use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::reply::{self, Reply};
use crate::{Error, Result};

/// A connection to a server on 127.0.0.1.
#[derive(Debug)]
pub struct Connection {
    port: u16,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects, and logs in if there is a password. No answer may take longer than `patience`.
    ///
    /// # Errors
    /// The server does not answer, or refuses the password.
    pub fn open(port: u16, password: Option<&str>, patience: Duration) -> Result<Self> {
        let stream = connect(port, patience)
            .map_err(|source| Error::Io { action: format!("connect to redis on port {port}"), source })?;
        let mut connection = Self { port, stream: BufReader::new(stream) };
        if let Some(password) = password {
            connection.command(&["AUTH", password])?;
        }
        Ok(connection)
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// [`Error::Refused`], or the connection broke; then a late answer may still come, so drop it.
    pub fn command(&mut self, words: &[&str]) -> Result<Reply> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.command_of_bytes(&words)
    }

    /// The same for words that are no text, as keys need not be.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn command_of_bytes(&mut self, words: &[&[u8]]) -> Result<Reply> {
        let name = String::from_utf8_lossy(words.first().copied().unwrap_or_default());
        let answer = self.ask(words).map_err(|source| Error::Io {
            action: format!("ask redis on port {} for {name}", self.port),
            source,
        })?;
        if let Reply::Refusal(message) = answer {
            return Err(Error::Refused { port: self.port, command: name.into_owned(), message });
        }
        Ok(answer)
    }

    fn ask(&mut self, words: &[&[u8]]) -> io::Result<Reply> {
        let mut request = Vec::new();
        write!(request, "*{}\r\n", words.len())?;
        for word in words {
            write!(request, "${}\r\n", word.len())?;
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        self.stream.get_mut().write_all(&request)?;
        reply::read(&mut self.stream)
    }
}

fn connect(port: u16, patience: Duration) -> io::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}
