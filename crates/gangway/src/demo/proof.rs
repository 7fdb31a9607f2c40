//! The sums that must hold between four witnesses: the file, the store, the outbox, the API.

use std::collections::BTreeSet;

use gangway_jobs::onboarding::Stage;
use gangway_simulator::Audit;
use gangway_store::Status;

use super::account::Account;
use crate::output::table::number;
use crate::wiring::take_in::Summary;

/// What each witness says.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    /// What the import counted in the file.
    pub(crate) import: &'a Summary,
    /// What the store counts.
    pub(crate) status: &'a Status,
    /// What a walk over the store counts.
    pub(crate) account: &'a Account,
    /// What the API saw.
    pub(crate) audit: &'a Audit,
}

/// One sum.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// In words.
    pub(crate) text: String,
    /// Whether it is true.
    pub(crate) holds: bool,
}

impl Evidence<'_> {
    /// Rows of which nothing is known; below zero if more is known than was handed in.
    pub(crate) fn lost(&self) -> i64 {
        let import = self.import;
        let known = import.refused
            + import.duplicates
            + import.conflicts
            + import.revived
            + self.account.onboardings();
        i64::try_from(import.rows).unwrap_or(i64::MAX) - i64::try_from(known).unwrap_or(i64::MAX)
    }

    /// Customers that the API has too many.
    pub(crate) fn duplicate_customers(&self) -> u64 {
        self.audit.emails_with_several_customers
    }

    /// All sums.
    pub(crate) fn checks(&self) -> Vec<Check> {
        vec![self.rows(), self.ends(), self.customers(), self.outbox(), self.nobody()]
    }

    /// Whether everything adds up.
    pub(crate) fn adds_up(&self) -> bool {
        self.checks().iter().all(|check| check.holds)
    }

    fn rows(&self) -> Check {
        let Summary { rows, refused, duplicates, conflicts, revived, enqueued, .. } = *self.import;
        let onboardings = self.account.onboardings();
        let again = if revived > 0 { format!(" + {} revived", number(revived)) } else { String::new() };
        Check {
            text: format!(
                "{} rows = {} refused + {} duplicates + {} conflicts{again} + {} onboardings",
                number(rows),
                number(refused),
                number(duplicates),
                number(conflicts),
                number(onboardings)
            ),
            holds: self.lost() == 0 && enqueued == onboardings,
        }
    }

    fn ends(&self) -> Check {
        let account = self.account;
        let ends: Vec<String> = Stage::ALL
            .into_iter()
            .filter(|stage| stage.is_end() && account.of(*stage) > 0)
            .map(|stage| format!("{} {stage}", number(account.of(stage))))
            .collect();
        let agrees =
            Stage::ALL.iter().all(|s| self.status.by_stage.get(s).copied().unwrap_or(0) == account.of(*s));
        Check {
            text: format!(
                "{} onboardings = {} + {} in progress",
                number(account.onboardings()),
                if ends.is_empty() { "0 ended".to_owned() } else { ends.join(" + ") },
                number(account.in_progress())
            ),
            holds: agrees && account.in_progress() == 0,
        }
    }

    fn customers(&self) -> Check {
        let account = self.account;
        let at_api: BTreeSet<&str> =
            self.audit.full.iter().flat_map(|full| full.customer_ids.iter().map(String::as_str)).collect();
        let known: BTreeSet<&str> = account.customer_ids.iter().map(String::as_str).collect();
        Check {
            text: format!(
                "{} customers at the API = {} onboardings with a customer id",
                number(self.audit.customers),
                number(account.with_customer)
            ),
            // The same ones, and none of them in two records.
            holds: self.audit.customers == account.with_customer
                && account.with_customer == known.len() as u64
                && at_api == known,
        }
    }

    fn outbox(&self) -> Check {
        let faults = &self.account.outbox_faults;
        let counted = self.status.outbox_length == self.account.events;
        let found = if faults.is_empty() {
            "each round has one end, no sequence has a gap, no id comes twice".to_owned()
        } else {
            faults.join(", ")
        };
        Check {
            text: format!("{} events: {found}", number(self.account.events)),
            holds: faults.is_empty() && counted,
        }
    }

    fn nobody(&self) -> Check {
        let (lost, duplicates) = (self.lost(), self.duplicate_customers());
        Check {
            text: format!("{lost} lost, {duplicates} duplicate customers"),
            holds: lost == 0 && duplicates == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gangway_simulator::FullAudit;

    use super::*;

    struct Case {
        import: Summary,
        status: Status,
        account: Account,
        audit: Audit,
    }

    fn good() -> Case {
        let by_stage = BTreeMap::from([(Stage::Approved, 2), (Stage::Dead, 1)]);
        let ids = ["a", "b"].map(str::to_owned);
        Case {
            import: Summary {
                rows: 10,
                enqueued: 3,
                duplicates: 2,
                conflicts: 1,
                refused: 4,
                ..Summary::default()
            },
            status: Status { by_stage: by_stage.clone(), outbox_length: 9, ..Status::default() },
            account: Account {
                by_stage,
                customer_ids: BTreeSet::from(ids.clone()),
                with_customer: 2,
                events: 9,
                outbox_faults: Vec::new(),
            },
            audit: Audit {
                customers: 2,
                full: Some(FullAudit { customer_ids: ids.to_vec(), ..FullAudit::default() }),
                ..Audit::default()
            },
        }
    }

    fn adds_up(case: &Case) -> bool {
        let Case { import, status, account, audit } = case;
        Evidence { import, status, account, audit }.adds_up()
    }

    #[test]
    fn any_single_lie_breaks_the_proof() {
        type Lie = fn(&mut Case);
        assert!(adds_up(&good()));
        let lies: [(&str, Lie); 9] = [
            ("a row is lost", |case| case.import.rows += 1),
            ("an onboarding appears", |case| case.import.rows -= 1),
            ("a customer too many at the API", |case| case.audit.customers += 1),
            ("another customer than the record says", |case| {
                case.account.customer_ids = BTreeSet::from(["a", "c"].map(str::to_owned));
            }),
            ("two records with one customer", |case| {
                case.account.customer_ids = BTreeSet::from(["a".to_owned()]);
            }),
            ("an e-mail with two customers", |case| case.audit.emails_with_several_customers = 1),
            ("a counter is wrong", |case| {
                case.status.by_stage.insert(Stage::Approved, 3);
            }),
            ("the outbox has a gap", |case| case.account.outbox_faults.push("gap".to_owned())),
            ("somebody waits", |case| {
                case.account.by_stage = BTreeMap::from([(Stage::Approved, 2), (Stage::Linked, 1)]);
                case.status.by_stage = case.account.by_stage.clone();
            }),
        ];
        for (name, lie) in lies {
            let mut case = good();
            lie(&mut case);
            assert!(!adds_up(&case), "{name}");
        }
    }
}
