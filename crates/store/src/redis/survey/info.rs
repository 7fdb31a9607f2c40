//! What a server tells in answer to `INFO`: lines of `name:value` under headings.

use std::collections::HashMap;
use std::str::FromStr;

/// The lines of an answer. Every field can be missing: services that run Redis for others leave some out.
#[derive(Debug)]
pub(super) struct Info<'a> {
    fields: HashMap<&'a str, &'a str>,
}

impl<'a> Info<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self { fields: lines.filter_map(|line| line.trim_end().split_once(':')).collect() }
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.fields.get(name).copied()
    }

    pub(super) fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// A field that is 0 or 1.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "1")
    }

    /// A field that is `ok` or something worse.
    pub(super) fn is_bad(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value != "ok")
    }

    /// Fields `slave0`, `slave1` and so on, each with its own list of `name=value`.
    pub(super) fn replicas(&self) -> Vec<HashMap<&'a str, &'a str>> {
        let one = |number: usize| {
            let list = self.text(&format!("slave{number}"))?;
            Some(list.split(',').filter_map(|pair| pair.split_once('=')).collect())
        };
        (0..).map_while(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name_and_typed() {
        let info =
            Info::read("# Server\r\nos:Linux 6.1 x86_64:extra\r\nhz:10\r\nloading:0\r\n\r\nstate:err\r\n");
        assert_eq!(info.text("os"), Some("Linux 6.1 x86_64:extra"));
        assert_eq!(info.number::<u64>("hz"), Some(10));
        assert_eq!((info.number::<u64>("os"), info.number::<u64>("gone")), (None, None));
        assert_eq!((info.flag("loading"), info.flag("gone")), (Some(false), None));
        assert_eq!((info.is_bad("state"), info.is_bad("gone")), (true, false));
    }
}
