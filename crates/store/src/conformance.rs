//! What every store must do, told as stories that run against any of them.
//!
//! A store plugs in with a [`Harness`] and one line, which makes a test of each story:
//!
//! ```ignore
//! gangway_store::conformance_suite!(MyHarness);
//! ```
//!
//! A story steers time, never sleeps, and ends with [`World::check`]: the sums add up, sequences have no gaps, each round
//! has at most one terminal event.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "a suite of tests: what is not as expected panics, and each story's name is its sentence"
)]

use async_trait::async_trait;
use gangway_jobs::clock::ManualClock;

use crate::{Policies, SharedStore};

pub mod circuit;
pub mod end;
pub mod enqueue;
pub mod import;
pub mod lease;
pub mod limits;
pub mod outbox;
pub mod outcomes;
pub mod prune;
pub mod rescue;
pub mod revive;
pub mod settle;
pub mod steer;
pub mod world;

pub use world::World;

/// A store under test, with the clock that it looks at.
#[async_trait]
pub trait Harness: Send + Sync + Sized {
    /// A new, empty store.
    async fn start(policies: Policies) -> Self;

    /// Opens it: on every call with all that was written before, as after a crash.
    async fn open(&self) -> SharedStore;

    /// The clock that it looks at.
    fn clock(&self) -> &ManualClock;
}

/// Makes a `#[tokio::test]` of each story, for the [`Harness`] of that type.
#[macro_export]
macro_rules! conformance_suite {
    ($harness:ty) => {
        $crate::conformance_stories! {
            $harness;
            circuit:
                an_api_that_is_down_opens_after_ten_failures_and_costs_nobody_an_attempt
                one_probe_at_a_time_finds_out_whether_the_api_is_back
                a_call_outside_of_a_lease_waits_at_the_gates_but_the_second_call_of_a_probe_passes
                a_probe_whose_worker_died_holds_nobody_up_for_longer_than_its_lease
                a_probe_that_finds_no_job_stands_in_nobodys_way
                a_429_blocks_everybody_for_that_long_at_no_cost
                what_a_call_outside_of_a_lease_learns_counts_too
                a_401_stops_the_worker_that_saw_it_and_a_second_one_stops_all
                a_401_of_the_only_worker_stops_the_fleet
                a_systemic_refusal_parks_all_five_and_buries_nobody
                a_probe_is_a_job_that_has_not_met_the_reason_and_its_success_closes
                a_quota_stops_at_once_and_buries_nobody_when_it_is_raised
                rows_that_are_at_fault_themselves_are_buried_one_by_one
                a_lone_unclear_refusal_has_a_second_look_before_it_is_buried
                a_systemic_refusal_that_nobody_heals_is_decided_after_its_patience
                a_person_who_says_retry_frees_the_parked
                a_person_who_says_bury_lets_each_be_refused_once_more
                the_parked_stand_behind_the_others;
            end:
                a_cancel_of_a_waiting_one_ends_it_at_once
                a_cancel_of_a_leased_one_ends_at_the_settle_and_keeps_the_customer
                a_cancel_of_a_leased_one_whose_worker_dies_ends_when_it_is_taken_back
                what_has_ended_is_not_cancelled
                an_erasure_leaves_nothing_that_leads_back
                an_erased_one_is_never_taken_in_again_and_its_email_is_free
                an_erasure_of_a_leased_one_waits_for_its_settle
                what_has_ended_is_erased_too_and_counts_as_erased
                an_erasure_while_two_jobs_run_refuses_neither_settle_nor_comes_back;
            enqueue:
                a_new_customer_has_a_record_and_a_create_job_that_is_due
                the_same_content_again_is_a_duplicate_and_nothing_happens
                other_content_under_a_reference_conflicts_and_changes_nothing
                an_email_under_another_reference_conflicts
                a_customer_without_a_reference_is_known_by_its_email
                a_repeat_of_the_same_row_is_answered_as_the_first_time
                the_rows_of_one_batch_see_each_other
                a_batch_beyond_the_bound_is_refused_whole
                what_was_taken_in_is_there_after_a_crash;
            import:
                an_import_that_was_cut_off_goes_on_where_it_was
                two_processes_do_not_import_one_file_at_once
                a_repeated_begin_of_the_same_process_is_the_same_run
                a_finished_import_of_the_same_file_is_another_run;
            lease:
                a_lease_counts_the_attempt_and_shows_the_record_as_it_was_before
                a_leased_create_is_uncertain_until_it_settles
                jobs_are_leased_in_the_order_in_which_they_fell_due
                nothing_is_leased_before_it_is_due_or_twice
                where_nothing_waits_only_a_change_helps
                the_same_token_again_answers_the_same_jobs
                a_paused_kind_is_not_leased_until_it_is_resumed
                no_more_is_leased_than_the_rate_allows
                polls_cannot_take_what_is_reserved_for_creates
                a_permit_waits_for_its_share_of_the_rate
                a_batch_is_cut_to_its_bound
                a_lease_is_extended_by_its_token_only
                a_lease_given_back_unstarted_never_was
                a_lease_given_back_started_stays_uncertain_but_costs_no_attempt
                waiting_counts_those_with_a_customer_that_have_not_ended
                jobs_whose_worker_died_are_leased_one_at_a_time
                a_lease_of_nothing_is_nothing;
            limits:
                a_lowered_limit_holds_at_once_for_all
                a_raised_limit_holds_at_once_for_all
                shares_are_set_with_the_limit
                without_a_set_limit_the_workers_own_holds_again
                a_set_limit_is_there_after_a_crash
                a_limit_that_starves_somebody_is_refused_and_changes_nothing
                a_new_limit_wakes_who_waits;
            outbox:
                the_group_main_reads_everything_from_the_beginning
                what_is_read_and_not_acknowledged_comes_again_after_a_crash
                two_readers_of_a_group_share_it_and_keep_each_customers_order
                each_group_reads_for_itself
                an_unknown_group_is_an_error_and_registers_nothing
                acknowledging_out_of_order_leaves_the_earlier_ones
                events_are_trimmed_when_old_and_acknowledged_by_all
                a_read_takes_no_more_than_it_asks_for
                an_event_names_its_fact_and_carries_nothing_personal;
            prune:
                only_what_ended_long_ago_is_pruned_and_it_still_counts
                a_file_imported_again_after_pruning_creates_nobody
                what_starts_again_after_pruning_goes_on_where_it_was
                the_key_of_a_later_generation_survives_pruning
                after_pruning_another_email_revives_only_what_was_definitely_refused
                a_refused_key_is_not_forgotten_by_pruning_an_end_of_another_kind
                nothing_that_runs_is_pruned
                what_was_reopened_is_not_pruned_for_its_former_end
                what_was_pruned_is_still_erased_on_request;
            rescue:
                nothing_is_taken_back_before_its_lease_has_run_out
                a_worker_that_died_costs_its_job_a_loss
                a_worker_that_lives_excuses_what_it_lost
                a_worker_that_nobody_knows_counts_as_dead
                the_third_loss_in_a_row_buries_as_poison
                an_attempt_that_ends_forgets_the_losses_before_it
                a_poisoned_link_lets_polling_go_on
                one_call_takes_back_a_bounded_number_the_longest_overdue_first
                a_heartbeat_keeps_a_worker_alive_and_silence_ends_it
                time_never_goes_back;
            revive:
                a_cancelled_one_starts_again_and_creates_if_there_is_no_customer
                a_cancelled_one_with_a_customer_is_never_created_again
                what_ended_well_or_was_rejected_is_a_duplicate
                a_dead_one_without_a_customer_starts_again_under_the_same_key
                a_dead_one_with_a_customer_is_a_duplicate
                another_email_revives_only_what_was_definitely_refused
                a_repeat_of_the_row_that_revived_answers_revived_and_starts_nothing
                an_expired_one_starts_again_with_its_customer;
            settle:
                a_complete_writes_record_follow_up_and_event_together
                a_snooze_is_no_failure
                a_retry_waits_and_counts
                a_bury_ends_the_onboarding_with_its_reason_and_keeps_the_letter
                a_buried_link_does_not_end_the_onboarding
                giving_back_costs_neither_attempt_nor_certainty
                a_follow_up_that_is_there_is_hastened
                a_snooze_whose_lease_was_hastened_is_due_at_once
                a_repeat_is_answered_already_and_changes_nothing
                a_late_settle_is_refused_once_the_lease_is_lost
                a_lease_that_ran_out_and_was_not_taken_back_still_settles
                a_token_that_is_not_the_leases_proves_nothing
                of_a_batch_of_a_hundred_with_one_reclaimed_ninety_nine_are_done
                a_batch_beyond_the_bound_is_refused_whole
                a_round_has_one_terminal_event_and_its_end_removes_what_waits
                what_still_runs_when_the_round_ends_settles_without_a_trace
                what_was_written_is_there_after_a_crash_and_the_lease_still_holds;
            steer:
                a_hint_brings_the_poll_forward
                a_hint_finds_no_poll_and_queues_one
                a_hint_that_comes_too_early_too_late_or_for_nobody_changes_nothing
                a_hint_on_a_rejected_one_begins_the_next_round
                in_a_new_round_the_old_rejection_does_not_count
                a_requested_link_is_queued_once
                a_link_requested_for_what_has_ended_begins_a_round_or_tells_why_not
                a_redrive_puts_the_dead_back_and_a_second_one_finds_none
                a_redrive_takes_only_what_it_is_asked_for
                a_redrive_leaves_alone_what_dies_after_it_began
                a_dead_link_is_redriven_without_a_new_round
                a_dropped_letter_leaves_its_onboarding_dead
                dead_letters_and_records_are_paged_in_order;
        }
    };
}

/// The loop of [`conformance_suite!`](crate::conformance_suite).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_stories {
    ($harness:ty; $($verb:ident: $($story:ident)+;)+) => {
        $(
            mod $verb {
                #[allow(unused_imports, reason = "the type may be named by a path from the root")]
                use super::*;
                $(
                    #[tokio::test]
                    async fn $story() {
                        $crate::conformance::$verb::$story::<$harness>().await;
                    }
                )+
            }
        )+
    };
}
