//! What a Redis server answers, in the words of its protocol (RESP 2).

use std::io::{self, BufRead, ErrorKind};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing there.
    Nil,
    /// A word such as `OK`.
    Status(String),
    /// A number.
    Integer(i64),
    /// A value.
    Bytes(Vec<u8>),
    /// Several answers.
    List(Vec<Reply>),
    /// A refusal: the server's message. Only inside a list, as that of `EXEC`; else it is an error of the call.
    Refusal(String),
}

impl Reply {
    /// A word or a value as text; empty for anything else.
    pub fn text(&self) -> String {
        match self {
            Self::Status(text) | Self::Refusal(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Nil | Self::List(_) => String::new(),
        }
    }

    /// A number, also one written as text.
    pub fn integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { self.text().parse().ok() }
    }

    /// A value as it is.
    pub fn bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The answers of a list; none for anything else.
    pub fn items(&self) -> &[Reply] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The value after `name` in a list of names and values.
    pub fn field(&self, name: &str) -> Option<&Reply> {
        self.items().as_chunks().0.iter().find(|[found, _]| found.text() == name).map(|[_, value]| value)
    }
}

/// Reads one answer.
///
/// # Errors
/// The connection ends, or does not speak the protocol.
pub(super) fn read(from: &mut impl BufRead) -> io::Result<Reply> {
    let line = line(from)?;
    let (kind, rest) = line.split_at_checked(1).ok_or_else(garbled)?;
    match kind {
        "+" => Ok(Reply::Status(rest.to_owned())),
        "-" => Ok(Reply::Refusal(rest.to_owned())),
        ":" => number(rest).map(Reply::Integer),
        "$" => bytes(from, number(rest)?),
        "*" => list(from, number(rest)?),
        _ => Err(garbled()),
    }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn bytes(from: &mut impl BufRead, length: i64) -> io::Result<Reply> {
    // -1 is the protocol's word for nothing.
    let Ok(length) = usize::try_from(length) else { return Ok(Reply::Nil) };
    let mut bytes = vec![0; length + 2];
    from.read_exact(&mut bytes)?;
    bytes.truncate(length);
    Ok(Reply::Bytes(bytes))
}

fn list(from: &mut impl BufRead, length: i64) -> io::Result<Reply> {
    if length < 0 {
        return Ok(Reply::Nil);
    }
    (0..length).map(|_| read(from)).collect::<io::Result<_>>().map(Reply::List)
}

fn number(text: &str) -> io::Result<i64> {
    text.parse().map_err(|_no_number| garbled())
}

fn garbled() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "no RESP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_answer_is_read() {
        let cases: [(&str, Reply); 7] = [
            ("+OK\r\n", Reply::Status("OK".to_owned())),
            (":-7\r\n", Reply::Integer(-7)),
            ("$4\r\na\r\nb\r\n", Reply::Bytes(b"a\r\nb".to_vec())),
            ("$-1\r\n", Reply::Nil),
            ("*-1\r\n", Reply::Nil),
            ("-ERR no\r\n", Reply::Refusal("ERR no".to_owned())),
            ("*2\r\n:1\r\n*1\r\n$0\r\n\r\n", {
                Reply::List(vec![Reply::Integer(1), Reply::List(vec![Reply::Bytes(Vec::new())])])
            }),
        ];
        for (text, expected) in cases {
            assert_eq!(read(&mut text.as_bytes()).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn an_answer_cut_short_is_an_error() {
        for text in ["", "+OK", "$4\r\nab", "*2\r\n:1\r\n", "?\r\n", ":x\r\n"] {
            read(&mut text.as_bytes()).expect_err(text);
        }
    }

    #[test]
    fn fields_are_found_by_name() {
        let list = Reply::List(["ip", "::1", "port", "12"].map(|word| Reply::Bytes(word.into())).to_vec());
        assert_eq!(list.field("port").and_then(Reply::integer), Some(12));
        assert_eq!(list.field("12"), None);
    }
}
