//! Random sequences of operations on a store and on the model beside it: every answer and all that can be seen agree.
//!
//! The model is compared with itself, too: then only the invariants are at stake.

mod op;
mod pair;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::harness::{Compared, Model, Redis, Sqlite};

use self::op::{Op, op};
use self::pair::Pair;

fn agree<H: Compared>(ops: Vec<Op>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut pair = Pair::<H>::start().await;
        for op in ops {
            pair.run(op).await;
        }
        pair.compare().await;
        pair.harness.audit(&pair.store).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_invariants_hold(ops in vec(op(), 1..200)) {
        agree::<Model>(ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_embedded_store_does_as_the_model(ops in vec(op(), 1..200)) {
        agree::<Sqlite>(ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_redis_store_does_as_the_model(ops in vec(op(), 1..200)) {
        agree::<Redis>(ops);
    }
}
