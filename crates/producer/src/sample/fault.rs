//! Every kind of bad row, with the codes it is refused with.

use super::people::Person;

/// How to spoil a row.
pub(super) struct Plant {
    /// What the report will say, in order.
    pub(super) codes: &'static [&'static str],
    /// The row, without the line break.
    pub(super) row: fn(Person) -> Vec<u8>,
}

const fn plant(codes: &'static [&'static str], row: fn(Person) -> Vec<u8>) -> Plant {
    Plant { codes, row }
}

/// Rows whose cells are wrong.
pub(super) const FAULTS: [Plant; 10] = [
    plant(&["invalid_email"], |p| Person { email: p.email.replace('@', " at "), ..p }.row().into()),
    plant(&["missing"], |p| Person { first: "", ..p }.row().into()),
    plant(&["too_long"], |p| Person { company: p.company.repeat(20), ..p }.row().into()),
    plant(&["markup"], |p| p.row_with("<b>Bold</b> Company").into()),
    plant(&["control_character"], |p| p.row_with("\"Two\nLines\"").into()),
    plant(&["extra_cells"], |p| p.row_with("One, Two, and Three Ltd").into()),
    plant(&["missing", "missing"], |p| format!("{},{},{}", p.reference, p.email, p.first).into()),
    plant(&["invalid_email"], |p| Person { email: "=cmd()".into(), ..p }.row().into()),
    plant(&["missing", "too_long"], |p| {
        Person { email: "  ".into(), company: "Ä".repeat(101), ..p }.row().into()
    }),
    plant(&["too_long"], |p| Person { reference: "R".repeat(256), ..p }.row().into()),
];

/// Rows that cannot be taken apart. The one left open must be mended by the rows behind it.
pub(super) const DAMAGES: [Plant; 4] = [
    plant(&["encoding"], |p| [p.row_with("Zo").as_bytes(), b"\xEB Ltd"].concat()),
    plant(&["nul"], |p| p.row_with("Zero\0Company").into()),
    plant(&["unclosed_quote"], |p| p.row_with("\"Left Open Ltd").into()),
    plant(&["row_too_long"], |p| p.row_with(&"Endless ".repeat(10_000)).into()),
];
