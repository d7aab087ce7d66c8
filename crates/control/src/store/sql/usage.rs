//! SQL about what keys did.
//!
//! Invariant: whose requests they are and in which environment follows from the key, never from what an edge says; hours
//! and days are written together and so say the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use portcullis_engine::KeyId;
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _};

use super::columns::{only, parsed, signed, unsigned};
use super::store::again;
use super::{Connection, Db, LEAST, Row, SUM, SqlStore};
use crate::clock::DAY;
use crate::store::{
    DAYS_KEPT, Grain, HOURS_KEPT_DAYS, MOST_ROUTES, Part, Place, STREAMS_KEPT_DAYS, Span, StoreError, UsageQuestion,
    UsageSum, Usages, Used, UsedFor,
};

/// PostgreSQL finds so many by their ids; for many more of a table it would rather read all of it.
const CHOSEN_AT_ONCE: usize = 250;
const WRITTEN_AT_ONCE: usize = 500;
/// A transaction that deletes so much does not keep other writers waiting.
const DELETED_AT_ONCE: u64 = 1000;

/// Numbers of requests and costs end there, and what is added to one, whatever edges say: 2^61, so that two of them fit. Sums of
/// rows end at twice that.
const MOST: u64 = 1 << 61;

/// A row's key, in the order of its columns.
type RowKey<'a> = (&'a str, u64, KeyId, &'a str, &'a str);

/// Whose a key is.
struct Owner {
    organization: String,
    environment: String,
}

#[async_trait]
impl Usages for SqlStore {
    async fn usage(&self, question: &UsageQuestion) -> Result<Vec<UsageSum>, StoreError> {
        // What is asked differs too much to be worth keeping.
        let rows = asked(question).build().persistent(false).fetch_all(self.listers()).await?;
        rows.iter().map(|row| sum(question, row)).collect()
    }

    async fn usage_routes(&self, question: &UsageQuestion, ending: &str) -> Result<Vec<String>, StoreError> {
        let mut query = QueryBuilder::new("SELECT DISTINCT route FROM (");
        told(&mut query, question);
        query.push(") AS told WHERE substr(route, length(route) - length(");
        query.push_bind(ending.to_owned()).push(") + 1) = ").push_bind(ending.to_owned());
        query.push(format!(" ORDER BY route LIMIT {MOST_ROUTES}"));
        let rows = query.build().persistent(false).fetch_all(self.listers()).await?;
        rows.iter().map(|row| Ok(row.try_get("route")?)).collect()
    }

    async fn forget_usage(&self, now: u64) -> Result<bool, StoreError> {
        let before = |days: u64| now.saturating_sub(days * DAY);
        let mut more = false;
        for (table, key, column, before) in [
            (table(Grain::Hours), ROW_KEY, "starts_at", before(HOURS_KEPT_DAYS)),
            (table(Grain::Days), ROW_KEY, "starts_at", before(DAYS_KEPT)),
            ("report_streams", "edge, boot, vm", "at", before(STREAMS_KEPT_DAYS)),
        ] {
            let sql = format!(
                "DELETE FROM {table} WHERE {column} < $1 AND ({key}) IN \
                 (SELECT {key} FROM {table} WHERE {column} < $1 ORDER BY {column} LIMIT {DELETED_AT_ONCE})"
            );
            let deleted = again(async || {
                let mut transaction = self.begin_write().await?;
                let query = sqlx::query(AssertSqlSafe(sql.clone())).bind(signed(before));
                let done = query.execute(&mut *transaction).await?;
                transaction.commit().await?;
                Ok(done.rows_affected())
            });
            more |= deleted.await? >= DELETED_AT_ONCE;
        }
        Ok(more)
    }
}

const ROW_KEY: &str = "organization, starts_at, key_id, route, reason";

/// Adds what keys did, to hours and to days. Returns how many requests were of keys that do not exist.
pub(super) async fn record(connection: &mut Connection, usage: &BTreeMap<UsedFor, Used>) -> Result<u64, StoreError> {
    let owners = owners(connection, usage.keys().map(|it| it.key).collect()).await?;
    let (mut hours, mut days, mut strangers) = (BTreeMap::new(), BTreeMap::new(), 0_u64);
    for (what, used) in usage {
        let Some(owner) = owners.get(&what.key) else {
            strangers = strangers.saturating_add(used.requests);
            continue;
        };
        for (rows, starts_at) in [(&mut hours, what.hour), (&mut days, what.hour / DAY * DAY)] {
            let key: RowKey<'_> = (&owner.organization, starts_at, what.key, &what.route, &what.reason);
            rows.entry(key).or_insert((owner, Used::default())).1.add(*used);
        }
    }
    add(connection, Grain::Hours, &hours).await?;
    add(connection, Grain::Days, &days).await?;
    Ok(strangers)
}

async fn owners(connection: &mut Connection, keys: BTreeSet<KeyId>) -> Result<HashMap<KeyId, Owner>, StoreError> {
    let (keys, mut owners) = (keys.into_iter().collect::<Vec<_>>(), HashMap::new());
    for some in keys.chunks(CHOSEN_AT_ONCE) {
        let mut query = QueryBuilder::<Db>::new("SELECT id, organization, environment FROM keys WHERE id IN (");
        let mut list = query.separated(", ");
        for key in some {
            list.push_bind(key.to_string());
        }
        query.push(")");
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let (organization, environment) = (row.try_get("organization")?, row.try_get("environment")?);
            owners.insert(parsed(&row, "id")?, Owner { organization, environment });
        }
    }
    Ok(owners)
}

async fn add(
    connection: &mut Connection,
    grain: Grain,
    rows: &BTreeMap<RowKey<'_>, (&Owner, Used)>,
) -> Result<(), StoreError> {
    let (rows, table) = (rows.iter().collect::<Vec<_>>(), table(grain));
    for some in rows.chunks(WRITTEN_AT_ONCE) {
        let head = format!("INSERT INTO {table} ({ROW_KEY}, environment, requests, cost) ");
        let mut query = QueryBuilder::<Db>::new(head);
        query.push_values(some, |mut row, ((organization, starts_at, key, route, reason), (owner, used))| {
            row.push_bind((*organization).to_owned()).push_bind(signed(*starts_at)).push_bind(key.to_string());
            row.push_bind((*route).to_owned()).push_bind((*reason).to_owned()).push_bind(owner.environment.clone());
            row.push_bind(signed(used.requests.min(MOST))).push_bind(signed(used.cost.min(MOST)));
        });
        query.push(format!(
            " ON CONFLICT ({ROW_KEY}) DO UPDATE SET requests = {LEAST}({table}.requests, {MOST}) + excluded.requests, \
             cost = {LEAST}({table}.cost, {MOST}) + excluded.cost"
        ));
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

const fn table(grain: Grain) -> &'static str {
    match grain {
        Grain::Hours => "usage_hours",
        Grain::Days => "usage_days",
    }
}

const fn column(part: Part) -> &'static str {
    match part {
        Part::Time => "starts_at",
        Part::Organization => "organization",
        Part::Environment => "environment",
        Part::Key => "key_id",
        Part::Route => "route",
        Part::Reason => "reason",
    }
}

/// When a row of a table is, as it is told apart.
const fn starts_at(told: Grain, kept: Grain) -> &'static str {
    match (told, kept) {
        (Grain::Days, Grain::Hours) => "starts_at - starts_at % 86400",
        _ => "starts_at",
    }
}

fn asked(question: &UsageQuestion) -> QueryBuilder<Db> {
    let columns = question.by.iter().map(|part| column(*part)).collect::<Vec<_>>().join(", ");
    let listed = if columns.is_empty() { String::new() } else { format!("{columns}, ") };
    let sum = |of: &str| format!("CAST({LEAST}(COALESCE({SUM}({of}), 0), {}) AS BIGINT)", 2 * MOST);
    let mut query = QueryBuilder::new(format!(
        "SELECT {listed}{} AS allowed, {} AS cost, {} AS denied FROM (",
        sum("CASE WHEN reason = '' THEN requests ELSE 0 END"),
        sum("cost"),
        sum("CASE WHEN reason = '' THEN 0 ELSE requests END"),
    ));
    told(&mut query, question);
    query.push(") AS told");
    if let Some(after) = question.after.as_ref().filter(|it| !it.is_empty()) {
        query.push(format!(" WHERE ({columns}) > ("));
        let mut list = query.separated(", ");
        for place in after {
            match place {
                Place::Time(time) => list.push_bind(signed(*time)),
                Place::Text(text) => list.push_bind(text.clone()),
            };
        }
        query.push(")");
    }
    if !columns.is_empty() {
        let first = if question.busiest_first { format!("{SUM}(requests) DESC, ") } else { String::new() };
        query.push(format!(" GROUP BY {columns} ORDER BY {first}{columns}"));
    }
    query.push(" LIMIT ").push_bind(i64::from(question.limit));
    query
}

/// The rows that it is about. Hours and days say the same, so each stretch is read where it can be.
fn told(query: &mut QueryBuilder<Db>, question: &UsageQuestion) {
    for (number, Span { grain, from, to }) in question.spans.iter().enumerate() {
        query.push(if number > 0 { " UNION ALL " } else { "" }).push(format!(
            "SELECT {} AS starts_at, organization, environment, key_id, route, reason, requests, cost FROM {} \
             WHERE starts_at >= ",
            starts_at(question.grain, *grain),
            table(*grain)
        ));
        query.push_bind(signed(*from)).push(" AND starts_at < ").push_bind(signed(*to));
        filter(query, question);
    }
}

fn filter(query: &mut QueryBuilder<Db>, question: &UsageQuestion) {
    if let Some(organization) = only(question.scope) {
        // A key's rows are few: of two that would do, its index is the one.
        query.push(if question.key.is_some() { " AND organization || '' = " } else { " AND organization = " });
        query.push_bind(organization);
    }
    let key = question.key.map(|key| key.to_string());
    for (name, value) in [("key_id", &key), ("environment", &question.environment)] {
        if let Some(value) = value {
            query.push(format!(" AND {name} = ")).push_bind(value.clone());
        }
    }
    if let Some(routes) = &question.routes {
        query.push(" AND route IN (");
        let mut list = query.separated(", ");
        for route in routes {
            list.push_bind(route.clone());
        }
        query.push(")");
    }
}

fn sum(question: &UsageQuestion, row: &Row) -> Result<UsageSum, StoreError> {
    let place = |part: &Part| match part {
        Part::Time => Ok(Place::Time(unsigned("starts_at", row.try_get("starts_at")?)?)),
        other => Ok(Place::Text(row.try_get(column(*other))?)),
    };
    Ok(UsageSum {
        place: question.by.iter().map(place).collect::<Result<_, StoreError>>()?,
        allowed: unsigned("allowed", row.try_get("allowed")?)?,
        cost: unsigned("cost", row.try_get("cost")?)?,
        denied: unsigned("denied", row.try_get("denied")?)?,
    })
}

/// The statements whose plan matters, and what has to be in the plan: an organisation's month must not be looked for among
/// everybody's, nor a key's among its organisation's.
#[cfg(test)]
pub(in crate::store) fn planned() -> Vec<(String, &'static str)> {
    use crate::caller::Scope;
    let is_sqlite = <Db as sqlx::Database>::NAME == "SQLite";
    let organization = Scope::Only(portcullis_engine::OrganizationId::from_bytes([1; 10]));
    let month = UsageQuestion {
        grain: Grain::Days,
        spans: vec![Span { grain: Grain::Days, from: 0, to: 30 * DAY }],
        scope: organization,
        key: None,
        environment: None,
        routes: None,
        by: vec![Part::Time],
        busiest_first: false,
        after: None,
        limit: 100,
    };
    let hours_of = |from| Span { grain: Grain::Hours, from, to: from + DAY };
    let hours = UsageQuestion { grain: Grain::Hours, spans: vec![hours_of(0)], ..month.clone() };
    let zoned = |spans: &UsageQuestion| [vec![hours_of(0)], spans.spans.clone(), vec![hours_of(30 * DAY)]].concat();
    let [first_of_zoned, last_of_zoned] = [(); 2].map(|()| UsageQuestion { spans: zoned(&month), ..month.clone() });
    let of_key = UsageQuestion { key: Some(KeyId::from_bytes([1; 10])), ..month.clone() };
    let all = UsageQuestion { scope: Scope::All, ..month.clone() };
    let by_row = |name| if is_sqlite { "PRIMARY KEY (organization=? AND starts_at>? AND starts_at<?)" } else { name };
    [
        (month, by_row("usage_days_pkey")),
        (hours, by_row("usage_hours_pkey")),
        (first_of_zoned, by_row("usage_hours_pkey")),
        (last_of_zoned, by_row("usage_days_pkey")),
        (of_key, "usage_days_key"),
        (all, "usage_days_starts_at"),
    ]
    .map(|(question, index)| (asked(&question).sql().as_str().to_owned(), index))
    .into()
}
