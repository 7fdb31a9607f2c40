//! Whether what is said at the end is true: compared with what the API did and told.

use gangway_jobs::event::{Event, EventType};
use gangway_jobs::kyb::Status;
use gangway_jobs::onboarding::{Record, Stage};

use crate::network::Network;
use crate::violation::{Held, broken};

const ONE_CUSTOMER: &str = "one reference and e-mail has one customer at the API, ever";
const TRUE: &str = "a conclusive outcome is never contradicted";

/// Nobody was created twice.
pub(crate) fn nobody_twice(network: &Network) -> Held {
    match network.made().iter().find(|(_, customers)| customers.len() > 1) {
        Some(((reference, _), customers)) => {
            let who = reference.as_deref().unwrap_or("somebody without a reference");
            broken(ONE_CUSTOMER, format!("{who} has {}", customers.len()))
        }
        None => Ok(()),
    }
}

/// What an event concludes, the API has said.
pub(super) fn is_true(event: &Event, name: &str, network: &Network) -> Held {
    let said = match event.kind {
        EventType::Approved => Status::Approved,
        EventType::Rejected => Status::Rejected,
        EventType::CustomerCreated
        | EventType::LinkCreated
        | EventType::StatusChanged
        | EventType::ActionRequired
        | EventType::Expired
        | EventType::Dead
        | EventType::Cancelled
        | EventType::Erased
        | EventType::Reopened => return Ok(()),
    };
    let customer = event.data["customer_id"].as_str().unwrap_or_default();
    if !network.has_told(customer, said) {
        return broken(TRUE, format!("{name} is told as {said:?}, which the API never said"));
    }
    Ok(())
}

/// What a record concludes, the API has not belied.
pub(super) fn compare(record: &Record, name: &str, network: &Network) -> Held {
    if record.stage != Stage::Dead {
        return Ok(());
    }
    if record.no_customer_can_exist() && network.has_made(record) {
        return broken(TRUE, format!("{name} was buried as refused, but the API has its customer"));
    }
    Ok(())
}
