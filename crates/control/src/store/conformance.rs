//! What every store does, on SQLite and on PostgreSQL: one table of tests, run on both, each on a database of its own.
//!
//! PostgreSQL is provided by `portcullis_testkit::postgres`; where there is none, its half fails. Invariant: a method of
//! the store's traits that no test here calls is not known to do the same on both.

mod accounts;
mod answers;
mod apps;
mod attention;
mod audit;
mod edge_keys;
mod fleet;
mod issuers;
mod keys;
mod leases;
mod leaving;
mod organizations;
mod plans;
mod policies;
mod postgres;
mod rows;
mod secrets;
mod settings;
mod single_requests;
mod skills;
mod sqlite;
mod token_keys;
mod usage;
mod versions;
mod webhooks;

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};
use tempfile::TempDir;

use super::{PostgresStore, SqliteStore, Store};

#[path = "../../tests/support/database.rs"]
mod database;

/// A store on a database of its own.
struct Fixture {
    store: Arc<dyn Store>,
    place: Place,
}

enum Place {
    Sqlite(TempDir),
    Postgres(String),
}

impl Fixture {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("portcullis.sqlite")).await.unwrap());
        Self { store, place: Place::Sqlite(folder) }
    }

    async fn postgres() -> Self {
        let url = database::fresh().await;
        let store = Arc::new(PostgresStore::open(url.parse().unwrap()).await.unwrap());
        Self { store, place: Place::Postgres(url) }
    }

    /// Tells the database something behind the store's back; what it says if it refuses.
    async fn sql(&self, statement: &str) -> Result<(), String> {
        let sql = AssertSqlSafe(statement.to_owned());
        let done = match &self.place {
            Place::Sqlite(folder) => {
                let url = format!("sqlite:{}", folder.path().join("portcullis.sqlite").display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::query(sql).execute(&mut connection).await.map(drop)
            }
            Place::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query(sql).execute(&mut connection).await.map(drop)
            }
        };
        done.map_err(|error| error.to_string())
    }

    /// Another of the same kind.
    async fn again(&self) -> Self {
        match self.place {
            Place::Sqlite(_) => Self::sqlite().await,
            Place::Postgres(_) => Self::postgres().await,
        }
    }

    /// What the database says behind the store's back, in one column of text.
    async fn text(&self, query: &str) -> Vec<String> {
        let sql = AssertSqlSafe(query.to_owned());
        match &self.place {
            Place::Sqlite(folder) => {
                let url = format!("sqlite:{}", folder.path().join("portcullis.sqlite").display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
            Place::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Compares the sums of every meter with its leases.
    async fn check_sums(&self) {
        let charge =
            "CASE WHEN granted - returned - forgiven > spent THEN granted - returned - forgiven ELSE spent END";
        let wrong = self
            .text(&format!(
                "SELECT m.subject FROM meters m WHERE \
                 m.charged <> (SELECT COALESCE(SUM({charge}), 0) FROM leases l WHERE l.subject = m.subject AND l.period_start = m.period_start) \
                 OR m.spent <> (SELECT COALESCE(SUM(spent), 0) FROM leases l WHERE l.subject = m.subject AND l.period_start = m.period_start) \
                 OR m.in_doubt <> (SELECT COALESCE(SUM({charge} - spent), 0) FROM leases l WHERE l.subject = m.subject \
                     AND l.period_start = m.period_start AND l.in_doubt)"
            ))
            .await;
        assert_eq!(wrong, Vec::<String>::new(), "the sums are not those of the leases");
    }

    /// The statements whose plan matters, and a part of each plan.
    fn planned(&self) -> Vec<(String, &'static str)> {
        match self.place {
            Place::Sqlite(_) => super::sqlite::planned(),
            Place::Postgres(_) => super::postgres::planned(),
        }
    }

    /// How the database would go about a statement, whatever its parameters are.
    async fn plan(&self, statement: &str) -> String {
        let lines: Vec<String> = match &self.place {
            Place::Sqlite(folder) => {
                let url = format!("sqlite:{}", folder.path().join("portcullis.sqlite").display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")));
                let rows = explain.fetch_all(&mut connection).await.unwrap();
                rows.iter().map(|row| row.get("detail")).collect()
            }
            Place::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let count = (1..).take_while(|number| statement.contains(&format!("${number}"))).count();
                let parameters =
                    if count > 0 { format!("({})", vec!["NULL"; count].join(", ")) } else { String::new() };
                for sql in ["SET plan_cache_mode = force_generic_plan".to_owned(), format!("PREPARE it AS {statement}")]
                {
                    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
                }
                let explain = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN EXECUTE it {parameters}")));
                let rows = explain.fetch_all(&mut connection).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        };
        lines.join("\n")
    }
}

macro_rules! suite {
    ($($area:ident { $($name:ident)+ })+) => {
        mod on_sqlite {
            $($(
                #[tokio::test]
                async fn $name() {
                    super::$area::$name(super::Fixture::sqlite().await).await;
                }
            )+)+
        }

        mod on_postgres {
            $($(
                #[tokio::test]
                async fn $name() {
                    super::$area::$name(super::Fixture::postgres().await).await;
                }
            )+)+
        }
    };
}

suite! {
    organizations {
        organizations_come_back_as_they_were_written
        an_organization_is_there_for_its_own_scope
        a_stale_organization_is_not_written
        there_is_one_default
    }
    keys {
        keys_come_back_as_they_were_written
        keys_are_there_for_their_own_scope
        a_stale_key_is_not_written_nor_is_what_came_with_it
        a_digest_is_there_once
        no_more_digests_that_begin_alike_are_imported_than_a_bucket_bears
        rows_of_every_kind_come_back
        a_text_with_a_nul_is_told_apart
        keys_come_newest_first
        summaries_are_of_what_changed
        all_keys_are_those_that_changed_since_the_first
        what_is_not_revoked_is_listed
        use_is_remembered_and_never_goes_back
        reports_from_many_sides_do_not_keep_each_other_waiting
    }
    plans {
        what_is_selective_is_found_by_its_index
    }
    leases {
        plans_come_back_as_they_were_written
        a_plan_that_somebody_has_stays_and_changes_for_them
        the_sums_are_those_of_the_leases
        what_a_dead_process_held_is_in_doubt_or_returned
        others_give_back_for_whoever_has_half_of_what_it_wants_or_less
        a_rotated_key_shares_the_meter_of_the_first
        a_period_that_began_keeps_its_bounds
        a_top_up_is_for_the_period_that_runs
        parts_of_a_limit_are_told_once_for_each_limit
        leases_of_long_ago_are_forgotten_and_their_meters_kept
        limits_hold_whatever_happens
        limits_hold_whoever_dies
        a_call_takes_little_among_many_organizations
    }
    attention {
        keys_are_counted_by_their_state
    }
    accounts {
        people_are_found_by_id_and_address_of_which_there_is_one
        members_are_listed_in_order_and_an_owner_stays
        owners_who_leave_at_once_leave_one_behind
        whoever_leaves_loses_what_they_had_there_alone
        an_invitation_is_accepted_or_withdrawn_once
        a_session_is_there_until_it_ends
        a_token_works_for_its_scope_until_it_ends
    }
    leaving {
        whoever_left_invites_nobody_and_makes_no_token
        whoever_may_invite_no_more_invites_nobody
        who_revokes_all_tokens_withdraws_what_was_made_with_them
        an_account_goes_to_another_when_it_is_a_member_of_nothing
    }
    versions {
        versions_rise_and_keep_to_the_floor
        what_edges_need_not_know_takes_no_version
        a_version_is_advanced_to_once
        changes_are_those_after_a_version
        those_who_start_with_nothing_need_no_key_revoked_long_ago
        a_reader_beside_many_writers_misses_nothing
        many_writers_of_one_row_lose_no_update
    }
    answers {
        an_answer_is_kept_for_its_request_until_it_expires
        of_many_who_claim_a_name_one_has_it
    }
    apps {
        apps_come_back_as_they_were_written
        of_many_who_redeem_a_code_one_has_a_grant
        of_many_who_use_a_refresh_token_one_does
        grants_end_together
        whoever_left_allows_nothing_nor_does_a_revoked_app_get_it
        what_is_over_is_forgotten
    }
    webhooks {
        webhooks_come_back_as_they_were_written
        a_webhook_goes_with_what_it_was_sent
        what_is_due_is_the_first_of_each_webhook
        of_one_organisation_only_so_much_is_due_at_once
        so_many_messages_that_were_asked_for_wait
        of_many_who_claim_a_delivery_one_has_it
        an_attempt_is_written_by_whoever_holds_the_claim
        a_cause_is_told_once
        a_part_of_a_quota_is_told_once
        what_is_done_is_forgotten
    }
    token_keys {
        token_keys_come_back_as_they_were_written
        of_many_who_replace_token_keys_one_does
    }
    issuers {
        how_a_fetch_went_is_told_of_the_row_it_was_for
    }
    secrets {
        secrets_come_back_as_they_were_written
        a_name_is_there_once_for_each_owner
        a_secret_is_sealed_to_exactly_the_keys_that_are_there
        the_keys_of_edges_come_and_go
        secrets_are_filtered_and_read_in_pages
        use_of_a_secret_is_remembered_and_never_goes_back
        whoever_leaves_leaves_no_secrets_behind
    }
    edge_keys {
        what_an_edge_has_is_what_it_told_last
        a_key_that_an_edge_has_alone_stays_unless_that_is_said
        an_edge_needs_a_key_that_some_secret_is_sealed_to_beside_others
        who_fell_silent_counts_unless_others_of_its_edge_are_there
    }
    skills {
        skills_come_back_as_they_were_written
        a_version_of_a_skill_stays_and_is_published
        a_reference_is_found_among_ones_own_and_then_among_the_team_s
        keys_of_a_skill_that_goes_have_none
        changes_are_of_organizations_with_news
    }
    settings {
        the_first_to_settle_a_setting_decides
        a_setting_can_be_replaced
    }
    policies {
        policies_are_kept_in_versions
        a_policy_s_version_is_taken_once
        a_new_policy_is_a_change
        keys_are_grouped_by_what_a_policy_looks_at
    }
    fleet {
        reports_add_up_and_the_later_wins_in_whatever_order
        progress_is_when_a_version_was_first_reported
        a_change_is_known_by_its_version_to_those_it_belongs_to
        what_is_old_is_forgotten
        reports_of_the_same_edges_from_many_replicas_lose_nothing
    }
    usage {
        a_batch_counts_once_with_all_that_it_holds
        a_batch_that_many_replicas_take_in_counts_once
        whatever_is_lost_and_sent_again_the_sum_is_what_was_sealed
        what_keys_did_is_added_up_as_it_is_asked
        sums_end_before_numbers_do
        usage_is_read_in_pages
        usage_is_kept_for_so_long
    }
    single_requests {
        observations_are_counted_together_and_forgotten
        the_key_before_a_rotation_is_found
        a_key_has_so_many_observations_and_the_rest_is_counted
        denials_are_there_for_those_whose_key_it_was
    }
    audit {
        every_write_leaves_its_rows
        the_log_is_filtered
        the_log_is_read_in_pages_newest_first
        the_log_only_grows
    }
}
