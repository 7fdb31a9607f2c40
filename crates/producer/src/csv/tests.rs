//! What comes out of which bytes.

use proptest::prelude::*;

use super::*;

/// Each row as `row:line cell|cell`, or `row:line !code@column`.
fn rows_within(input: impl Read, max_row_bytes: usize) -> Vec<String> {
    let mut reader = Reader::open(input, &Options { max_row_bytes, ..Options::default() }).unwrap();
    let mut rows = Vec::new();
    while let Some(Record { row, line, cells }) = reader.read().unwrap() {
        rows.push(match cells {
            Ok(cells) => format!("{row}:{line} {}", cells.iter().collect::<Vec<_>>().join("|")),
            Err(Fault { kind, column: None }) => format!("{row}:{line} !{}", kind.code()),
            Err(Fault { kind, column: Some(column) }) => format!("{row}:{line} !{}@{column}", kind.code()),
        });
    }
    rows
}

fn rows(input: &str) -> Vec<String> {
    rows_within(input.as_bytes(), Options::DEFAULT_ROW_BYTES)
}

/// Hands out one byte at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(&mut out[..1])
    }
}

/// `head`, then the same bytes over and over, up to `left` bytes.
struct Endless<'a> {
    head: &'a [u8],
    body: &'a [u8],
    at: usize,
    left: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.head.is_empty() {
            return self.head.read(out);
        }
        let length = out.len().min(self.left);
        for byte in &mut out[..length] {
            *byte = self.body[self.at % self.body.len()];
            self.at += 1;
        }
        self.left -= length;
        Ok(length)
    }
}

#[test]
fn rows_are_told_apart_whatever_ends_a_line() {
    for line_break in ["\n", "\r\n", "\r"] {
        let input = ["", "a,b", "1,2", "", "", "3,4", "\"5\",6", ""].join(line_break);
        assert_eq!(rows(&input), ["1:3 1|2", "2:6 3|4", "3:7 5|6"], "{line_break:?}");
    }
    assert_eq!(rows("a,b\n1,2"), ["1:2 1|2"]);
    assert_eq!(rows("a,b\n"), Vec::<String>::new());
}

#[test]
fn quoted_cells_may_hold_delimiters_quotes_and_line_breaks() {
    let input = "a;b\n\"1;x\";\"say \"\"hi\"\"\"\n\"two\r\nlines\";2\n3\"x\";\"y\"z\n;\n";
    assert_eq!(rows(input), ["1:2 1;x|say \"hi\"", "2:3 two\r\nlines|2", "3:5 3\"x\"|yz", "4:6 |"]);
}

#[test]
fn the_header_is_trimmed_and_may_hold_quotes() {
    let reader = Reader::open("\u{feff} a ,\"b,\nc\"\n".as_bytes(), &Options::default()).unwrap();
    assert_eq!(reader.header(), ["a", "b,\nc"]);
    assert_eq!(reader.delimiter(), Delimiter::COMMA);
    let tab = Options { delimiter: Some(Delimiter::TAB), ..Options::default() };
    assert_eq!(Reader::open("a,b".as_bytes(), &tab).unwrap().header(), ["a,b"]);
}

#[test]
fn a_file_without_a_readable_header_is_refused_as_a_whole() {
    let table: [(&[u8], &str); 9] = [
        (b"", "Empty"),
        (b"\r\n\n\xEF\xBB\xBF", "NoHeader"),
        (b"\n\n", "Empty"),
        (b", ,\nx", "NoHeader"),
        (b"PK\x03\x04\0\0\x08\0", "NotText"),
        (b"\xFF\xFE\0\0e\0\0\0m\0\0\0", "NotText"),
        (b"na\xEFve,b\n", "Header { line: 1, fault: Encoding }"),
        (b"\n\"a,b\n1,2\n", "Header { line: 2, fault: UnclosedQuote }"),
        (&[b'x'; 300], "Header { line: 1, fault: TooLong { max: 256 } }"),
    ];
    for (input, expected) in table {
        let error = Reader::open(input, &Options { max_row_bytes: 0, ..Options::default() }).unwrap_err();
        assert_eq!(format!("{error:?}"), expected, "{input:?}");
    }
}

#[test]
fn a_quote_left_open_costs_only_its_own_row() {
    let head = "a,b\n1,one\n";
    let table = [
        ("2,\"open\n3,three\n", vec!["2:3 !unclosed_quote@1", "3:4 3|three"]),
        ("2,\"open", vec!["2:3 !unclosed_quote@1"]),
        (
            "2,\"open\n3,\"three, quoted\"\n4,\"\"\n",
            vec!["2:3 !unclosed_quote@1", "3:4 3|three, quoted", "4:5 4|"],
        ),
        (
            "2,\"open\n3,three\n4,\"two\nlines\"\n5,\"x\"\n",
            vec!["2:3 !unclosed_quote@1", "3:4 3|three", "4:5 4|two\nlines", "5:7 5|x"],
        ),
        (
            "2,\"open\n3,\"open\n4,\"shut\"\n",
            vec!["2:3 !unclosed_quote@1", "3:4 !unclosed_quote@1", "4:5 4|shut"],
        ),
    ];
    for (rest, expected) in table {
        let mut all = vec!["1:2 1|one"];
        all.extend(expected);
        assert_eq!(rows(&format!("{head}{rest}")), all, "{rest:?}");
    }
}

#[test]
fn a_quote_open_past_the_bound_gives_every_row_behind_it_back() {
    let many: Vec<_> = (3..=200).map(|n| format!("{n},x")).collect();
    let rows = rows_within(format!("a,b\n1,one\n2,\"open\n{}", many.join("\n")).as_bytes(), 256);
    assert_eq!(rows.len(), 200);
    assert_eq!(rows[1], "2:3 !unclosed_quote@1");
    assert_eq!(rows[2..], (3..=200).map(|n| format!("{n}:{} {n}|x", n + 1)).collect::<Vec<_>>());
}

#[test]
fn a_row_at_the_bound_is_taken_and_one_byte_more_is_not() {
    for (wrap, name) in [("", "plain"), ("\"", "quoted")] {
        let row = |length: usize| format!("{wrap}{}{wrap}", "x".repeat(length - 2 * wrap.len()));
        let input = format!("a\n{}\r\n{}\r\n3", row(256), row(257));
        let rows = rows_within(input.as_bytes(), 256);
        assert!(rows[0].starts_with("1:2 x"), "{name}");
        assert_eq!(rows[1..], ["2:3 !row_too_long", "3:4 3"], "{name}");
    }
}

#[test]
fn a_row_of_many_lines_past_the_bound_is_refused_line_by_line() {
    let input = format!("a,b\n\"1\none\",{}\n2,two\n", "x".repeat(300));
    let rows = rows_within(input.as_bytes(), 256);
    assert_eq!(rows, ["1:2 !unclosed_quote@0", "2:3 !row_too_long", "3:4 2|two"]);
}

#[test]
fn bytes_that_are_no_text_cost_only_their_row() {
    let input = b"a,b\n1,2\n\xFF,3\n4,Zo\xEB\n5,n\0l\n6,7\n";
    assert_eq!(
        rows_within(&input[..], 1000),
        ["1:2 1|2", "2:3 !encoding@0", "3:4 !encoding@1", "4:5 !nul@1", "5:6 6|7"]
    );
}

#[test]
fn rows_skipped_are_counted_as_rows_read_are() {
    let input = "a,b\n1,1\n\n2,\"open\n3,\"x\ny\"\n4,4\n5,5\n";
    let whole = rows(input);
    for skipped in 0..=6 {
        let mut reader = Reader::open(input.as_bytes(), &Options::default()).unwrap();
        assert_eq!(reader.skip(skipped).unwrap(), skipped.min(5));
        let next = reader.read().unwrap().map(|record| (record.row, record.line));
        let expected = whole.get(usize::try_from(skipped).unwrap()).map(|row| row.split(' ').next().unwrap());
        assert_eq!(next.map(|(row, line)| format!("{row}:{line}")).as_deref(), expected);
    }
}

#[test]
fn a_line_without_end_and_a_quote_without_end_are_passed_in_the_memory_of_one_row() {
    let head = b"a,b\n1,one\n2,";
    for body in [&b"x"[..], b"\"", b"\"\"\"x", b"x,"] {
        let input = Endless { head, body, at: 0, left: 64 << 20 };
        let rows = rows_within(input.chain(&b"\n3,three\n"[..]), 1024);
        assert_eq!(rows, ["1:2 1|one", "2:3 !row_too_long", "3:4 3|three"], "{body:?}");
    }
}

/// Each of these keeps a quote open as far as the bound reaches, from every line anew.
#[test]
fn lines_made_to_be_read_again_and_again_are_not() {
    for body in [&b"x\",\"y\n"[..], b",\"\"\"\n", b"\"\n\"\"\n", b"\"\n", b"x\"y,\"\n", b"\n", b",\n"] {
        let input = Endless { head: b"a,b\n1,\"", body, at: 0, left: 1 << 20 };
        let mut reader = Reader::open(input, &Options::default()).unwrap();
        reader.skip(u64::MAX).unwrap();
    }
}

#[test]
fn an_input_that_gives_out_names_the_last_row() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _out: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let error = Reader::open(b"a,b\n".chain(Broken), &Options::default()).unwrap_err();
    assert!(matches!(error, Error::Read { row: 0, .. }));
}

/// Mostly the bytes that mean something, so that the odd paths are walked.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => prop::sample::select(b"\"\",,\r\n\nx;".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..1200)
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic_or_depend_on_how_they_arrive(bytes in bytes()) {
        let input = [b"a,b\n", &bytes[..]].concat();
        prop_assert_eq!(rows_within(&input[..], 256), rows_within(Trickle(&input), 256));
        drop(Reader::open(&bytes[..], &Options::default()));
    }

    #[test]
    fn what_a_csv_writer_writes_is_read_back(
        table in prop::collection::vec(prop::collection::vec("[a-zé\",\r\n ]{0,8}", 3), 1..20)
    ) {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let lines: Vec<_> =
            table.iter().map(|cells| cells.iter().map(quoted).collect::<Vec<_>>().join(",")).collect();
        let written = lines.join("\r\n");
        let input = format!("a,b,c\r\n{written}");
        let mut reader = Reader::open(input.as_bytes(), &Options::default()).unwrap();
        for cells in &table {
            let record = reader.read().unwrap().unwrap();
            prop_assert_eq!(record.cells.unwrap().iter().collect::<Vec<_>>(), cells.iter().collect::<Vec<_>>());
        }
        prop_assert!(reader.read().unwrap().is_none());
    }
}
