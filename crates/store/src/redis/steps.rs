//! The steps of a write, in the words of the script `commit`.

use redis::Cmd;

/// Steps, with their arguments one behind the other.
#[derive(Debug, Default)]
pub(super) struct Steps {
    count: usize,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Steps {
    /// Adds a step with its arguments.
    pub(super) fn add(&mut self, letter: u8, arguments: &[&[u8]]) {
        self.count += 1;
        self.push(&[letter]);
        for argument in arguments {
            self.push(argument);
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes their count and the steps.
    pub(super) fn write(&self, command: &mut Cmd) {
        command.arg(self.count);
        let mut from = 0;
        for end in &self.ends {
            command.arg(&self.bytes[from..*end]);
            from = *end;
        }
    }
}
