//! Scripts: their source, their name for errors, and their digest.
//!
//! A script is called by the digest of its source. Only when the server answers that it does not know it (it has been
//! restarted, or another node is the master now) is it loaded and called once more: see
//! [`Link::run`](super::link::Link::run).

use std::sync::OnceLock;

/// One script. A `static` each, so that its digest is computed once.
#[derive(Debug)]
pub(super) struct Script {
    name: &'static str,
    source: &'static str,
    /// SHA-1 of the source in hex: what the server knows it by.
    digest: OnceLock<String>,
}

impl Script {
    pub(super) const fn new(name: &'static str, source: &'static str) -> Self {
        Self { name, source, digest: OnceLock::new() }
    }

    /// The name for messages.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) const fn source(&self) -> &'static str {
        self.source
    }

    /// A call with one key, which tells a cluster where it belongs; arguments are appended by the caller.
    pub(super) fn call(&self, key: &[u8]) -> redis::Cmd {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(self.digest()).arg(1).arg(key);
        cmd
    }

    /// The command that makes the server know it.
    pub(super) fn load(&self) -> redis::Cmd {
        let mut cmd = redis::cmd("SCRIPT");
        cmd.arg("LOAD").arg(self.source);
        cmd
    }

    fn digest(&self) -> &str {
        self.digest.get_or_init(|| sha1_smol::Sha1::from(self.source).digest().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_called_by_the_digest_of_its_source() {
        let script = Script::new("one", "return 1");
        let call = script.call(b"{ns}").get_packed_command();
        let call = String::from_utf8(call).unwrap();
        assert!(call.contains("e0e1f9fabfc9d4800c877a703b823ac0578ff8db"), "{call}");
        assert!(call.ends_with("$1\r\n1\r\n$4\r\n{ns}\r\n"), "{call}");
        assert_eq!(script.name(), "one");
    }
}
