//! Creating a customer, in the order: key, fields, e-mail, quota.

use serde_json::Value;
use uuid::Uuid;

use super::{Ledger, Now};
use crate::application::Application;
use crate::customer::{Customer, Lightweight};
use crate::dice::digest;
use crate::knobs::{AfterWindow, EmailCompare, OtherBody, ReplayContent};
use crate::lifecycle::Course;
use crate::refusal::Refusal;
use crate::status::Status;

/// A create whose body is JSON and whose key, if any, is a UUID.
#[derive(Debug)]
pub(crate) struct CreateRequest {
    pub(crate) key: Option<Uuid>,
    pub(crate) body: Value,
    /// Whether this path asks for a company name.
    pub(crate) company_required: bool,
}

/// A customer, new or known before.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) customer: Lightweight,
}

impl Ledger {
    pub(crate) fn create(&mut self, request: &CreateRequest, now: &Now<'_>) -> Result<Created, Refusal> {
        self.run_due(now);
        self.counts.creates += 1;
        let created = self.replay_or_create(request, now);
        if created.is_err() {
            self.counts.refused_creates += 1;
        }
        created
    }

    fn replay_or_create(&mut self, request: &CreateRequest, now: &Now<'_>) -> Result<Created, Refusal> {
        let known = request.key.filter(|_| now.knobs.keys.honoured);
        if let Some(refusal) = known.and_then(|key| self.refusals.get(&key)) {
            return Err(refusal.clone());
        }
        if let Some(index) = known.and_then(|key| self.by_key.get(&key)).copied()
            && let Some(replay) = self.replay(index, request, now)
        {
            return replay;
        }
        let created = self.create_new(request, now);
        if let (Err(refusal), Some(key), true) = (&created, known, now.knobs.keys.remember_refusals) {
            self.refusals.insert(key, refusal.clone());
        }
        created
    }

    /// The answer to a known key, or none if the key is to be forgotten.
    fn replay(
        &mut self,
        index: usize,
        request: &CreateRequest,
        now: &Now<'_>,
    ) -> Option<Result<Created, Refusal>> {
        let (keys, case) = (&now.knobs.keys, now.knobs.reads.status_case);
        let customer = self.customers.get(index)?;
        let age = now.sim.saturating_sub(customer.created_sim);
        if keys.window_s.is_some_and(|window| age.as_secs() >= window) {
            return match keys.after_window {
                AfterWindow::Conflict => Some(Err(Refusal::conflict(
                    "The idempotency key was used before and its window is over.",
                ))),
                AfterWindow::Forget => None,
            };
        }
        let other = customer.body_digest != digest_of(&request.body);
        match keys.other_body {
            OtherBody::Conflict if other => {
                return Some(Err(Refusal::conflict("The idempotency key was used with another body.")));
            }
            OtherBody::Unprocessable if other => {
                return Some(Err(Refusal::unprocessable("The idempotency key was used with another body.")));
            }
            OtherBody::Ignore | OtherBody::Conflict | OtherBody::Unprocessable => {}
        }
        self.counts.replays += 1;
        let customer = match keys.replay {
            ReplayContent::Current => customer.lightweight(case),
            ReplayContent::Original => customer.original(case),
        };
        Some(Ok(Created { customer }))
    }

    fn create_new(&mut self, request: &CreateRequest, now: &Now<'_>) -> Result<Created, Refusal> {
        let knobs = now.knobs;
        let company_required = request.company_required && knobs.create.company_name_required;
        let application = Application::parse(&request.body, company_required, &knobs.create)?;
        self.note_key(&application.email, request.key);
        if knobs.create.unique_emails && self.is_taken(&application.email, knobs.create.email_compare) {
            return Err(Refusal::bad_request("A customer with this email already exists."));
        }
        let customers = u64::try_from(self.customers.len()).unwrap_or(u64::MAX);
        if knobs.limits.quota.is_some_and(|quota| customers >= quota) {
            return Err(Refusal::quota(knobs.limits.quota_status));
        }
        let customer = self.insert(application, request, now);
        Ok(Created { customer })
    }

    fn insert(&mut self, application: Application, request: &CreateRequest, now: &Now<'_>) -> Lightweight {
        let folded = fold(&application.email);
        let index = self.customers.len();
        let known = self.by_email.get(&folded).map_or(0, Vec::len);
        let id = self.id(&[b"customer", folded.as_bytes(), &known.to_be_bytes()]).to_string();
        let customer = Customer {
            id: id.clone(),
            company_name: application.company_name,
            key: request.key,
            body_digest: digest_of(&request.body),
            created: now.wall,
            created_sim: now.sim,
            created_real: now.real,
            updated: now.wall,
            submitted: None,
            status: Status::Init,
            links: Vec::new(),
            polls: 0,
            dice: self.dice.of(&folded),
            course: Course::default(),
            next: None,
            plan: 0,
            email: application.email,
        };
        let shown = customer.lightweight(now.knobs.reads.status_case);
        self.customers.push(customer);
        self.by_id.insert(id, index);
        self.by_email.entry(folded).or_default().push(index);
        if let Some(key) = request.key {
            self.by_key.insert(key, index);
        }
        shown
    }

    fn is_taken(&self, email: &str, compare: EmailCompare) -> bool {
        let Some(same) = self.by_email.get(&fold(email)) else { return false };
        match compare {
            EmailCompare::IgnoreCase => true,
            EmailCompare::Exact => {
                same.iter().filter_map(|index| self.customers.get(*index)).any(|known| known.email == email)
            }
        }
    }

    fn note_key(&mut self, email: &str, key: Option<Uuid>) {
        let hashed = self.dice.bytes(&[b"email", fold(email).as_bytes()]);
        let (first, others) = self.keys_of_email.entry(hashed).or_insert((key, false));
        *others = *others || *first != key;
    }
}

fn fold(email: &str) -> String {
    email.to_lowercase()
}

/// Of the body's content: the order of its fields and the space between them do not matter.
fn digest_of(body: &Value) -> [u8; 32] {
    digest(&[body.to_string().as_bytes()])
}
