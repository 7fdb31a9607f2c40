//! Reading customers: by id, by key, and all of them.

use std::time::Duration;

use uuid::Uuid;

use super::{Ledger, Now};
use crate::customer::{Full, Lightweight};
use crate::knobs::ListTotal;
use crate::refusal::Refusal;
use crate::status::Status;

/// In which form a customer is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Polled {
    /// The six fields.
    Lightweight,
    /// All of it.
    Full,
}

/// Which part of the list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListRequest {
    pub(crate) skip: usize,
    pub(crate) size: usize,
    pub(crate) status: Option<Status>,
}

/// A page of the list.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Listed {
    customers: Vec<Full>,
    total: usize,
}

/// A customer in one of its forms.
#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum View {
    /// The six fields.
    Lightweight(Lightweight),
    /// All of it.
    Full(Box<Full>),
}

impl Ledger {
    pub(crate) fn get(&mut self, id: &str, form: Polled, now: &Now<'_>) -> Result<View, Refusal> {
        self.run_due(now);
        if now.knobs.reads.take_steps {
            self.hasten(id, now);
        }
        self.counts.polls += 1;
        let customer = self.by_id.get(id).and_then(|index| self.customers.get_mut(*index));
        let customer = customer.ok_or_else(|| Refusal::not_found("Customer"))?;
        customer.polls += 1;
        let case = now.knobs.reads.status_case;
        Ok(match form {
            Polled::Lightweight => View::Lightweight(customer.lightweight(case)),
            Polled::Full => View::Full(Box::new(customer.full(case))),
        })
    }

    pub(crate) fn lookup(&mut self, key: Uuid, now: &Now<'_>) -> Result<Lightweight, Refusal> {
        self.run_due(now);
        self.counts.lookups += 1;
        let lag = Duration::from_millis(now.knobs.reads.lookup_lag_ms);
        let customer = self.by_key.get(&key).and_then(|index| self.customers.get(*index));
        let visible = customer.filter(|customer| now.real.saturating_sub(customer.created_real) >= lag);
        let customer = visible.ok_or_else(|| Refusal::not_found("Customer"))?;
        Ok(customer.lightweight(now.knobs.reads.status_case))
    }

    /// Newest first.
    pub(crate) fn list(&mut self, request: ListRequest, now: &Now<'_>) -> Listed {
        self.run_due(now);
        self.counts.lists += 1;
        let matches = || {
            let all = self.customers.iter().rev();
            all.filter(|customer| request.status.is_none_or(|status| customer.status == status))
        };
        let page = matches().skip(request.skip).take(request.size);
        let customers: Vec<Full> = page.map(|customer| customer.full(now.knobs.reads.status_case)).collect();
        let total = match now.knobs.reads.list_total {
            ListTotal::All => matches().count(),
            ListTotal::Page => customers.len(),
        };
        Listed { customers, total }
    }
}
