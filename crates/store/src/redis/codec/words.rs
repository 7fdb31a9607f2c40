//! The codes of words. They are stored: none is ever changed or used again, and a new word gets the next one.

use gangway_jobs::failure::Code;
use gangway_jobs::onboarding::Stage;

/// The code of a stage, from 1.
pub(super) const fn stage_code(stage: Stage) -> u8 {
    match stage {
        Stage::Accepted => 1,
        Stage::Created => 2,
        Stage::Linked => 3,
        Stage::InReview => 4,
        Stage::ActionRequired => 5,
        Stage::Approved => 6,
        Stage::Rejected => 7,
        Stage::Expired => 8,
        Stage::Dead => 9,
        Stage::Cancelled => 10,
        Stage::Erased => 11,
    }
}

/// The stage of a code.
pub(super) const fn stage(code: u8) -> Option<Stage> {
    Some(match code {
        1 => Stage::Accepted,
        2 => Stage::Created,
        3 => Stage::Linked,
        4 => Stage::InReview,
        5 => Stage::ActionRequired,
        6 => Stage::Approved,
        7 => Stage::Rejected,
        8 => Stage::Expired,
        9 => Stage::Dead,
        10 => Stage::Cancelled,
        11 => Stage::Erased,
        _ => return None,
    })
}

/// The code of a failure's code, from 1.
pub(super) const fn failure_code(code: Code) -> u8 {
    match code {
        Code::EmailTaken => 1,
        Code::Invalid => 2,
        Code::Refused => 3,
        Code::Unresolved => 4,
        Code::Unreachable => 5,
        Code::ForeignCustomer => 6,
        Code::CustomerMissing => 7,
        Code::Contract => 8,
        Code::Undecodable => 9,
        Code::Poison => 10,
        Code::Unsettleable => 11,
        Code::Panic => 12,
        Code::TimedOut => 13,
    }
}

/// The failure's code of a code.
pub(super) const fn failure(code: u8) -> Option<Code> {
    Some(match code {
        1 => Code::EmailTaken,
        2 => Code::Invalid,
        3 => Code::Refused,
        4 => Code::Unresolved,
        5 => Code::Unreachable,
        6 => Code::ForeignCustomer,
        7 => Code::CustomerMissing,
        8 => Code::Contract,
        9 => Code::Undecodable,
        10 => Code::Poison,
        11 => Code::Unsettleable,
        12 => Code::Panic,
        13 => Code::TimedOut,
        _ => return None,
    })
}

/// The API's words for a KYB status in both of its spellings; the code of each is its place, from 1.
const STATUSES: [&str; 18] = [
    "INIT",
    "PENDING_REVIEW",
    "UNDER_REVIEW",
    "PENDING_RESPONSE",
    "ESCALATED",
    "PENDING_APPROVAL",
    "PROVISIONING",
    "APPROVED",
    "REJECTED",
    "init",
    "pending_review",
    "under_review",
    "pending_response",
    "escalated",
    "pending_approval",
    "provisioning",
    "approved",
    "rejected",
];

/// The code of a KYB status in exactly that spelling.
pub(super) fn status_code(word: &str) -> Option<u8> {
    let place = STATUSES.iter().position(|known| *known == word)?;
    u8::try_from(place + 1).ok()
}

/// The KYB status of a code.
pub(super) fn status(code: u8) -> Option<&'static str> {
    STATUSES.get(usize::from(code).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_back_to_its_word_and_to_no_other() {
        for (code, stage) in (1..).zip(Stage::ALL) {
            assert_eq!((stage_code(stage), super::stage(code)), (code, Some(stage)));
        }
        for code in 0..=u8::MAX {
            assert!(stage(code).is_none_or(|stage| stage_code(stage) == code), "{code}");
            assert!(failure(code).is_none_or(|failure| failure_code(failure) == code), "{code}");
            assert!(status(code).is_none_or(|word| status_code(word) == Some(code)), "{code}");
        }
        assert_eq!((0..=u8::MAX).filter_map(stage).count(), 11);
        assert_eq!((0..=u8::MAX).filter_map(failure).count(), 13);
        assert_eq!((0..=u8::MAX).filter_map(status).count(), 18);
    }

    #[test]
    fn a_status_in_another_spelling_has_no_code() {
        for word in ["", "Init", "PENDING_review", "APPROVED ", "FROZEN"] {
            assert_eq!(status_code(word), None, "{word}");
        }
    }
}
