//! What stands behind `cargo xtask bench`.

use super::measurement::CASES;

/// The command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Cases by name; none for all.
    cases: Vec<String>,
    /// Only show that it works.
    pub(super) quick: bool,
    /// Only name the cases.
    pub(super) list: bool,
    /// Only write the report anew.
    pub(super) report_only: bool,
    /// How often each measurement is made.
    pub(super) runs: usize,
    /// The day that the report tells; today without it.
    pub(super) date: Option<String>,
}

impl Options {
    pub(super) fn parse(arguments: &[String]) -> Result<Self, String> {
        let (mut options, mut runs) = (Self::default(), None);
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--list" => options.list = true,
                "--report" => options.report_only = true,
                "--date" => options.date = Some(value()?.clone()),
                "--runs" => {
                    let count = value()?.parse().ok().filter(|count| *count > 0);
                    runs = Some(count.ok_or("--runs needs a number above 0")?);
                }
                name if CASES.iter().any(|case| case.name == name) => options.cases.push(name.to_owned()),
                other => return Err(format!("{other:?} is no case; see `cargo xtask bench --list`")),
            }
        }
        options.runs = runs.unwrap_or(if options.quick { 1 } else { 3 });
        Ok(options)
    }

    pub(super) fn wants(&self, case: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|name| name == case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn cases_are_named_and_everything_has_a_default() {
        let options = parsed("").unwrap();
        assert!(options.wants("drain") && options.wants("waiting"));
        assert_eq!((options.runs, parsed("--quick").unwrap().runs), (3, 1));
        let options = parsed("chain --runs 5 --date 2026-03-01").unwrap();
        assert!(options.wants("chain") && !options.wants("drain"));
        assert_eq!((options.runs, options.date.as_deref()), (5, Some("2026-03-01")));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["drains", "--runs", "--runs 0", "--runs many", "--date"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
