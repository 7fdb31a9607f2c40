//! The payload of a webhook.

use serde::Serialize;
use uuid::Uuid;

use super::Change;
use crate::clock::rfc3339;
use crate::status::Status;

#[derive(Debug, Serialize)]
pub(super) struct Event<'a> {
    id: Uuid,
    #[serde(rename = "event")]
    name: &'static str,
    created_at: String,
    resource: Resource<'a>,
    data: Data<'a>,
}

#[derive(Debug, Serialize)]
struct Resource<'a> {
    r#type: &'static str,
    id: &'a str,
    idempotency_key: Uuid,
}

#[derive(Debug, Serialize)]
struct Data<'a> {
    customer_id: &'a str,
    status: Status,
    previous_status: Status,
    client_idempotency_key: Option<Uuid>,
}

impl<'a> Event<'a> {
    /// The event of a change; none for a change that nobody is told of.
    pub(super) fn of(change: &'a Change) -> Option<Self> {
        Some(Self {
            id: Uuid::new_v4(),
            name: name(change.status)?,
            created_at: rfc3339(change.at),
            resource: Resource {
                r#type: "customer",
                id: &change.customer_id,
                idempotency_key: Uuid::new_v4(),
            },
            data: Data {
                customer_id: &change.customer_id,
                status: change.status,
                previous_status: change.previous,
                client_idempotency_key: change.key,
            },
        })
    }
}

const fn name(status: Status) -> Option<&'static str> {
    match status {
        Status::PendingReview => Some("kyb.submitted"),
        Status::UnderReview => Some("kyb.under_review"),
        Status::PendingResponse => Some("kyb.action_required"),
        Status::Approved => Some("kyb.approved"),
        Status::Rejected => Some("kyb.rejected"),
        Status::Init | Status::Escalated | Status::PendingApproval | Status::Provisioning => None,
    }
}
