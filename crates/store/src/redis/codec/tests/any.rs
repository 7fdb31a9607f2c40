//! Whatever is stored comes back; whatever the bytes are, nothing panics.

use gangway_jobs::id::OnboardingId;
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use super::super::*;
use super::samples::{everything, polled};
use super::{REVISION, encoded, strategies};

/// The onboarding without its leases, as the comment of [`Onboarding`] tells it.
fn without_leases(mut onboarding: Onboarding) -> Onboarding {
    if let Some(lease) = onboarding.job(Kind::CreateCustomer).and_then(Job::lease) {
        onboarding.record.uncertain_since = lease.uncertain_before;
    }
    for job in onboarding.jobs.iter_mut().flatten() {
        if job.lease().is_some() {
            job.attempt = job.attempt.saturating_sub(1);
            job.hold = Hold::Waiting;
        }
    }
    onboarding
}

/// Reads bytes that were tampered with. What is read after all must be storable again.
fn read_any(bytes: &[u8]) -> Result<(), TestCaseError> {
    let id = OnboardingId::from_uuid(Uuid::nil());
    if let Ok((_, onboarding)) = decode(bytes, id) {
        let again = decode(&encoded(&onboarding), id);
        prop_assert_eq!(again, Ok((REVISION, onboarding)));
    }
    if let Ok((row, epoch_number, fences)) = decode_row(bytes, id) {
        let again = decode_row(&encode_row(&row, epoch_number, &fences), id);
        prop_assert_eq!(again.map(|(row, ..)| row), Ok(row));
    }
    Ok(())
}

fn valid() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => strategies::onboarding().prop_map(|onboarding| encoded(&onboarding)),
        1 => Just(encoded(&polled())),
        1 => Just(encoded(&everything())),
        2 => (strategies::row(), any::<u64>(), strategies::fences())
            .prop_map(|(row, epoch_number, fences)| encode_row(&row, epoch_number, &fences)),
    ]
}

proptest! {
    #[test]
    fn an_onboarding_comes_back_without_its_leases(onboarding in strategies::onboarding()) {
        let (revision, back) = decode(&encoded(&onboarding), onboarding.record.id).unwrap();
        prop_assert_eq!(revision, REVISION);
        let expected = without_leases(onboarding);
        prop_assert_eq!(&back, &expected);
        // KYB statuses are equal in every spelling; the debug form tells them apart.
        prop_assert_eq!(format!("{back:?}"), format!("{expected:?}"));
    }

    #[test]
    fn a_row_comes_back(row in strategies::row(), epoch_number: u64, fences in strategies::fences()) {
        let kept = if row.end == Stage::Erased { fences } else { [None; 3] };
        let back = decode_row(&encode_row(&row, epoch_number, &fences), row.id);
        prop_assert_eq!(back, Ok((row, epoch_number, kept)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        read_any(&bytes)?;
    }

    #[test]
    fn any_bytes_after_a_right_beginning_are_read_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        read_any(&[b"revision\x01", bytes.as_slice()].concat())?;
        read_any(&[b"\x01", bytes.as_slice()].concat())?;
    }

    #[test]
    fn a_changed_value_is_read_or_refused(
        mut bytes in valid(),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read_any(&bytes)?;
    }

    #[test]
    fn a_cut_value_is_refused(onboarding in strategies::onboarding(), row in strategies::row(), at: Index) {
        let id = onboarding.record.id;
        let bytes = encoded(&onboarding);
        prop_assert!(decode(&bytes[..at.index(bytes.len())], id).is_err());
        let bytes = encode_row(&row, 7, &[None; 3]);
        prop_assert!(decode_row(&bytes[..at.index(bytes.len())], id).is_err());
    }
}
