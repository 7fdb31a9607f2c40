//! From what people type to one onboarding.

use gangway_jobs::customer::Reference;
use gangway_jobs::id::{CustomerId, OnboardingId};
use gangway_store::{Inspection, Store, Target};

use crate::error::{Error, Result};

/// Finds an onboarding by its reference, its id or its customer id, in this order: references are the partner's own
/// words, and may look like the other two.
pub(crate) async fn find(store: &dyn Store, named: &str) -> Result<Inspection> {
    for target in targets(named) {
        if let Some(found) = store.find(target).await? {
            return Ok(found);
        }
    }
    Err(Error::UnknownOnboarding)
}

/// The same, as what a steering call takes.
pub(crate) async fn target(store: &dyn Store, named: &str) -> Result<Target> {
    Ok(Target::Id(find(store, named).await?.record.id))
}

/// As [`target`], and an onboarding id is taken as it is: the record may have been pruned while its events remain.
pub(crate) async fn target_or_id(store: &dyn Store, named: &str) -> Result<Target> {
    match (target(store, named).await, named.trim().parse()) {
        (Err(Error::UnknownOnboarding), Ok(id)) => Ok(Target::Id(id)),
        (found, _) => found,
    }
}

fn targets(named: &str) -> Vec<Target> {
    let reference = Reference::parse(named).ok().map(|known| Target::Reference(known.as_str().to_owned()));
    let id = named.trim().parse::<OnboardingId>().ok().map(Target::Id);
    let customer = CustomerId::parse(named.trim()).map(Target::Customer);
    [reference, id, customer].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_comes_first_even_if_it_looks_like_an_id() {
        let id = "2d83c41c-8f0b-8a3e-9d50-2c3f6a7b8c9d";
        assert_eq!(targets(id).len(), 3);
        assert_eq!(targets(id)[0], Target::Reference(id.to_owned()));
        assert_eq!(targets(" Zoe\u{308} 1 "), [Target::Reference("Zo\u{eb} 1".to_owned())]);
    }
}
