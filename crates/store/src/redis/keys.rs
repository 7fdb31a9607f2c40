//! Every key of a store, and what lies under it.
//!
//! All keys begin with the namespace in braces: in a cluster they lie in one slot, so that a script may touch them all.
//! Scripts know the same names: the table below is put before each of them. Where a key ends in `:` something binary
//! follows; ids are their sixteen bytes.

macro_rules! keys {
    (
        here { $($(#[doc = $doc:literal])+ $name:ident $lua:literal = $text:literal;)+ }
        only_in_scripts { $($(#[doc = $script_doc:literal])+ $script_lua:literal = $script_text:literal;)+ }
    ) => {
        $(
            $(#[doc = $doc])+
            pub(super) const $name: &str = $text;
        )+

        /// The same names in Lua, as a literal.
        macro_rules! keys_in_lua {
            () => {
                concat!(
                    "local P = KEYS[1] .. ':'\n",
                    $("local ", $lua, " = P .. '", $text, "'\n",)+
                    $("local ", $script_lua, " = P .. '", $script_text, "'\n",)+
                )
            };
        }
        pub(super) use keys_in_lua;
    };
}

keys! {
    here {
        /// Hash: what the store was made for, its epoch, its time.
        META "META" = "meta";
        /// String, one for each onboarding that is kept: its record and its jobs; see the codec.
        ONBOARDING "ONBOARDING" = "o:";
        /// Hash, one for each of the buckets by the first bytes of the id: id → nothing while the onboarding is kept, then its
        /// ledger row.
        LEDGER "LEDGER" = "l:";
        /// Hash, in buckets: keyed e-mail → onboarding. What makes an e-mail unique.
        EMAIL "EMAIL" = "e:";
        /// Hash, in buckets: digest of a reference → onboarding.
        REFERENCE "REFERENCE" = "r:";
        /// Hash, in buckets: digest of a customer id → onboarding.
        CUSTOMER "CUSTOMER" = "c:";
        /// Sorted set, four lanes for each kind: waiting jobs by due time.
        DUE "DUE" = "due:";
        /// Sorted set for each kind: those of the waiting jobs that have failed, by due time; for the sums.
        RETRY "RETRY" = "retry:";
        /// Sorted set: leased jobs by the end of their lease.
        LEASES "LEASES" = "leases";
        /// Hash: leased job → token, worker, beginning, mark of haste, count of writes. Or the mark of one that was set aside
        /// because nobody could read it.
        HELD "HELD" = "held";
        /// Hash: leased jobs that a worker died over → their worker; such a job is leased alone.
        SUSPECTS "SUSPECTS" = "suspects";
        /// Sorted set: dead letters by their id.
        DEAD "DEAD" = "dead";
        /// Sorted set: ended onboardings by the time of their end, for pruning.
        ENDED "ENDED" = "ended";
        /// Hash: the sums.
        SUMS "SUMS" = "sums";
        /// String: the circuit.
        CIRCUIT "CIRCUIT" = "circuit";
        /// String: the rate limit that people have set for all workers.
        LIMITS "LIMITS" = "limits";
        /// Hash for each import: its file, its owner, its checkpoint, and the sums of its onboardings.
        IMPORT "IMPORT" = "import:";
        /// Set: onboardings that were erased and whose events must still be cleaned, as their events name them.
        REDACT "REDACT" = "redact";
        /// Stream of one entry: changes whenever an idle worker should look again.
        WAKE "WAKE" = "wake";
    }
    only_in_scripts {
        /// String, one for each lease call, for the length of a lease: what it leased, should its answer be lost.
        "GRANT" = "grant:";
        /// String: the rate limit's bucket.
        "BUCKET" = "bucket";
        /// Hash: paused kinds.
        "PAUSED" = "paused";
        /// Hash: worker → what it said of itself.
        "WORKERS" = "workers";
        /// Sorted set: worker by its last heartbeat.
        "BEATS" = "beats";
        /// Hash: digest of a file → its unfinished import.
        "FILES" = "files";
        /// Stream: the outbox. Its consumer groups are the registered groups.
        "OUTBOX" = "outbox";
        /// Hash for each group: event that a reader keeps → until when, and which reader.
        "CLAIMS" = "claims:";
        /// Sorted set for each group: events that were acknowledged before they were delivered, by their number.
        "AHEAD" = "ahead:";
        /// Sorted set: events that were taken out of the middle of the outbox, by their number; see `lua/append.lua`.
        "HOLES" = "holes";
    }
}

/// The names of a store.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    tag: String,
}

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        Self { tag: format!("{{{namespace}}}") }
    }

    /// What every script is given as its one key: it names the slot.
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// A key without anything binary behind it.
    pub(super) fn of(&self, name: &str) -> String {
        format!("{}:{name}", self.tag)
    }

    /// A key with something binary behind it.
    pub(super) fn with(&self, name: &str, rest: &[u8]) -> Vec<u8> {
        let mut key = self.of(name).into_bytes();
        key.extend_from_slice(rest);
        key
    }
}
