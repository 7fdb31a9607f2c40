//! Harm stays where it is.

use std::time::Duration;

use gangway_jobs::enqueue::Answer;
use gangway_jobs::failure::Code;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use gangway_jobs::outcome::{FollowUp, Outcome, Settled, Step};
use gangway_jobs::payload::{CreateCustomer, Payload};
use gangway_store::{DeadFilter, Error, Target};

use super::place::{ask, complete, customer, customers, end, holding, tamper};

#[tokio::test]
async fn one_that_fails_in_a_group_harms_only_itself() {
    let (_folder, path, store) = holding(0..2).await;
    tamper(&path, "UPDATE onboarding SET record = '{' WHERE reference = 'ref-0'");
    let other = rusqlite::Connection::open(&path).unwrap();
    // Nothing can be written yet, so all of these meet in one group.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let failing = store.cancel(Target::Reference("ref-0".to_owned()));
    let good = store.cancel(Target::Reference("ref-1".to_owned()));
    let more = store.enqueue(customers(2..4));
    let free = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        other.execute_batch("COMMIT").unwrap();
    };
    let (failing, good, more, ()) = tokio::join!(failing, good, more, free);
    assert!(matches!(failing, Err(Error::Damaged { what: "record", .. })), "{failing:?}");
    good.unwrap().unwrap();
    assert_eq!(more.unwrap(), [Answer::New, Answer::New]);
    let status = store.status().await.unwrap();
    assert_eq!((status.total(), status.by_stage[&Stage::Cancelled]), (4, 1));
}

#[tokio::test]
async fn a_damaged_record_costs_its_own_job_and_no_other() {
    let (_folder, path, store) = holding(0..3).await;
    tamper(&path, "UPDATE onboarding SET record = '{\"id\":7}' WHERE reference = 'ref-1'");
    let leased = store.lease(ask(Kind::CreateCustomer, 10)).await.unwrap().jobs;
    assert_eq!(leased.len(), 2);
    let dead = store.dead(DeadFilter::default(), None, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].failure.as_ref().unwrap().code, Code::Undecodable);
    assert_eq!(store.records(None, 10).await.unwrap().len(), 2);
    assert_eq!(store.redrive(DeadFilter::default(), 10).await.unwrap(), 0);
    let again = store.enqueue(customers(0..4)).await.unwrap();
    assert_eq!(again, [Answer::Duplicate, Answer::ConflictingContent, Answer::Duplicate, Answer::New]);
    assert_eq!(store.status().await.unwrap().total(), 4);
}

#[tokio::test]
async fn an_end_that_cannot_be_written_is_buried_alone() {
    let (_folder, _path, store) = holding(0..3).await;
    let leased = store.lease(ask(Kind::CreateCustomer, 10)).await.unwrap().jobs;
    let mut huge = customer(9, "Company").customer;
    let company = "x".repeat(70_000);
    let raw = serde_json::to_value(&huge).unwrap();
    let mut raw = raw.as_object().unwrap().clone();
    raw.insert("company_name".to_owned(), company.into());
    if let Ok(parsed) = serde_json::from_value(raw.into()) {
        huge = parsed;
    }
    let too_large = Payload::CreateCustomer(CreateCustomer { customer: huge });
    assert!(too_large.encode().len() > gangway_jobs::payload::MAX_BYTES);
    let step = Step { follow_ups: vec![FollowUp::now(too_large)], ..Step::default() };
    let ends = leased
        .iter()
        .enumerate()
        .map(|(n, job)| {
            let outcome = if n == 1 { Outcome::Complete(step.clone()) } else { complete() };
            end(job.id, job.token, outcome)
        })
        .collect();
    assert_eq!(store.settle(ends).await.unwrap(), [Settled::Done; 3]);
    let dead = store.dead(DeadFilter::default(), None, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].job, leased[1].id);
    assert_eq!(dead[0].failure.as_ref().unwrap().code, Code::Unsettleable);
    let status = store.status().await.unwrap();
    assert_eq!((status.by_stage[&Stage::Created], status.by_stage[&Stage::Dead]), (2, 1));
    assert_eq!(status.by_stage.get(&Stage::Accepted), None);
}
