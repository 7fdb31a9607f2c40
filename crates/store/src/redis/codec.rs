//! The stored form of onboardings and ledger rows.
