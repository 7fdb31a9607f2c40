//! The three handlers, one for each kind of job: each a function of its job, its record and the API's answer.

pub(crate) mod create_customer;
pub(crate) mod create_link;
pub(crate) mod poll_status;
