//! The scripts, each one change or one look, in files of their own.

use super::keys::keys_in_lua;
use super::scripts::Script;

/// A script that may write when memory is short: nothing that was accepted is lost, and what ends makes room.
macro_rules! writes {
    ($name:literal $(, $part:literal)*) => {
        script!("#!lua flags=allow-oom\n", $name $(, $part)*)
    };
}

/// A script that the server refuses when memory is short.
macro_rules! takes_in {
    ($name:literal $(, $part:literal)*) => {
        script!("#!lua\n", $name $(, $part)*)
    };
}

/// A script that only reads.
macro_rules! reads {
    ($name:literal $(, $part:literal)*) => {
        script!("#!lua flags=no-writes,allow-stale\n", $name $(, $part)*)
    };
}

macro_rules! script {
    ($head:literal, $name:literal $(, $part:literal)*) => {
        Script::new(
            $name,
            concat!(
                $head,
                keys_in_lua!(),
                include_str!("lua/prelude.lua"),
                $(include_str!(concat!("lua/", $part, ".lua")),)*
                include_str!(concat!("lua/", $name, ".lua")),
            ),
        )
    };
}

pub(super) static OPEN: Script = writes!("open");
pub(super) static COMMIT: Script = writes!("commit", "append");
/// The same, but refused when memory is short: for what is new.
pub(super) static TAKE_IN: Script = takes_in!("commit", "append");
pub(super) static TAKE_IN_FRESH: Script = takes_in!("take_in");
pub(super) static COUNT: Script = writes!("count");
pub(super) static PLACES: Script = takes_in!("count");
pub(super) static LOAD: Script = reads!("load");
pub(super) static LEASE: Script = writes!("lease", "bucket");
pub(super) static EXTEND: Script = writes!("extend");
pub(super) static OVERDUE: Script = writes!("overdue");
pub(super) static PERMIT: Script = writes!("permit", "bucket");
pub(super) static WORKER: Script = writes!("worker");
pub(super) static WORKERS: Script = reads!("workers");
pub(super) static STATUS: Script = reads!("status");
pub(super) static PAUSE: Script = writes!("pause");
pub(super) static PAGE: Script = reads!("page");
pub(super) static IMPORT: Script = writes!("import");
pub(super) static OUTBOX_GROUP: Script = writes!("outbox_group");
pub(super) static OUTBOX_READ: Script = writes!("outbox_read", "event", "group");
pub(super) static OUTBOX_ACK: Script = writes!("outbox_ack", "group");
pub(super) static OUTBOX_EVENTS: Script = reads!("outbox_events", "event");
pub(super) static OUTBOX_SUMS: Script = reads!("outbox_sums", "group");
pub(super) static OUTBOX_TRIM: Script = writes!("outbox_trim", "event", "group");
pub(super) static OUTBOX_REDACT: Script = writes!("outbox_redact", "append", "event", "group");
