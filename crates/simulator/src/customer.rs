//! A customer as the simulator keeps it, and the two forms in which the API shows it.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::clock::{SimTime, rfc3339};
use crate::dice::Dice;
use crate::knobs::StatusCase;
use crate::lifecycle::{Course, Step};
use crate::status::Status;

/// One customer.
#[derive(Debug)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) company_name: Option<String>,
    /// Key of the create, if it had one.
    pub(crate) key: Option<Uuid>,
    /// Of the create's body, to tell a replay from another request under the same key.
    pub(crate) body_digest: [u8; 32],
    pub(crate) created: Timestamp,
    /// Simulated time of the create: the window of its key runs from here.
    pub(crate) created_sim: SimTime,
    /// Real time of the create since the start: the lag of lookups runs from here.
    pub(crate) created_real: std::time::Duration,
    pub(crate) updated: Timestamp,
    pub(crate) submitted: Option<Timestamp>,
    pub(crate) status: Status,
    /// Indices of its links, oldest first.
    pub(crate) links: Vec<usize>,
    /// How often it was read by id.
    pub(crate) polls: u64,
    pub(crate) dice: Dice,
    pub(crate) course: Course,
    /// What will happen next.
    pub(crate) next: Option<Step>,
    /// Rises with each plan made for it, so that what was planned before is void.
    pub(crate) plan: u64,
}

/// The six fields of a lightweight customer.
#[derive(Debug, Serialize)]
pub(crate) struct Lightweight {
    customer_id: String,
    email: String,
    customer_type: &'static str,
    status: String,
    created_at: String,
    updated_at: String,
}

/// The full customer; what a hosted customer never has before its approval is left out or null.
#[derive(Debug, Serialize)]
pub(crate) struct Full {
    customer_id: String,
    email: String,
    business_legal_name: String,
    status: String,
    created_at: String,
    updated_at: String,
    associated_persons: [(); 0],
    review_issues: Option<ReviewIssues>,
    submitted_at: Option<String>,
    terms_signed_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct ReviewIssues {
    company_issues: CompanyIssues,
    associated_person_issues: [(); 0],
}

#[derive(Debug, Serialize)]
struct CompanyIssues {
    description: &'static str,
    company_name: Option<String>,
    reject_reason: Option<&'static str>,
}

impl Customer {
    pub(crate) fn lightweight(&self, case: StatusCase) -> Lightweight {
        Lightweight {
            customer_id: self.id.clone(),
            email: self.email.clone(),
            customer_type: "Business",
            status: word(self.status, case),
            created_at: rfc3339(self.created),
            updated_at: rfc3339(self.updated),
        }
    }

    /// As it was answered when it was created.
    pub(crate) fn original(&self, case: StatusCase) -> Lightweight {
        let status = word(Status::Init, case);
        Lightweight { status, updated_at: rfc3339(self.created), ..self.lightweight(case) }
    }

    pub(crate) fn full(&self, case: StatusCase) -> Full {
        Full {
            customer_id: self.id.clone(),
            email: self.email.clone(),
            business_legal_name: self.company_name.clone().unwrap_or_default(),
            status: word(self.status, case),
            created_at: rfc3339(self.created),
            updated_at: rfc3339(self.updated),
            associated_persons: [],
            review_issues: self.review_issues(),
            submitted_at: self.submitted.map(rfc3339),
            terms_signed_at: self.submitted.map(rfc3339),
        }
    }

    /// Moves to another status; each move is at least a millisecond after the last, so that `updated_at` shows it.
    pub(crate) fn move_to(&mut self, status: Status, at: Timestamp) {
        let after = self.updated + jiff::SignedDuration::from_millis(1);
        self.status = status;
        self.updated = at.max(after);
        if status == Status::PendingReview {
            self.submitted = Some(self.updated);
        }
    }

    fn review_issues(&self) -> Option<ReviewIssues> {
        let rejected = self.status == Status::Rejected;
        self.status.has_issues().then(|| ReviewIssues {
            company_issues: CompanyIssues {
                description: if rejected {
                    "The application does not meet the requirements."
                } else {
                    "The proof of address cannot be read; upload it again."
                },
                company_name: self.company_name.clone(),
                reject_reason: rejected.then_some("REQUIREMENTS_NOT_MET"),
            },
            associated_person_issues: [],
        })
    }
}

pub(crate) fn word(status: Status, case: StatusCase) -> String {
    match case {
        StatusCase::Upper => status.as_str().to_owned(),
        StatusCase::Lower => status.as_str().to_lowercase(),
    }
}
