//! What only PostgreSQL has to do: bear broken connections, tell other replicas, start beside others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use portcullis_api::QuotaPeriod;
use portcullis_testkit::postgres::database_url;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::rows::{change, key, key_id, put, two_organizations, with};
use super::{Fixture, Place, database, leases};
use crate::caller::Scope;
use crate::quota::Period;
use crate::store::{PlanRow, PostgresStore, Store as _, StoreError, Write};

const WITHIN: Duration = Duration::from_secs(20);

fn url(it: &Fixture) -> &str {
    let Place::Postgres(url) = &it.place else { panic!("not PostgreSQL") };
    url
}

async fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + WITHIN;
    while !ask().await {
        assert!(Instant::now() < deadline, "{what}: not in time");
        tokio::task::yield_now().await;
    }
}

const CUT_EVERYONE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                            WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn replicas_that_start_together_bring_the_schema_up_to_date_once() {
    let url = database_url(&database::create("template0").await).unwrap();
    let opening = (0..4).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { PostgresStore::open(url.parse().unwrap()).await.map(drop) })
    });
    for opened in futures_util::future::join_all(opening.collect::<Vec<_>>()).await {
        opened.unwrap().unwrap();
    }
}

#[tokio::test]
async fn cut_connections_are_replaced_and_nothing_is_lost() {
    let it = Fixture::postgres().await;
    two_organizations(&*it.store).await;
    for number in 0..5 {
        it.sql(CUT_EVERYONE).await.unwrap();
        put(&*it.store, Write::InsertKey(key(number, 1))).await;
        it.sql(CUT_EVERYONE).await.unwrap();
        assert!(it.store.key(Scope::All, key_id(number)).await.unwrap().is_some());
        it.sql(CUT_EVERYONE).await.unwrap();
        assert_eq!(it.store.changes(0, 0).await.unwrap().keys.len(), usize::from(number) + 1);
    }
}

#[tokio::test]
async fn another_replica_is_told_and_told_again_after_its_connection_was_cut() {
    let it = Fixture::postgres().await;
    let other = PostgresStore::open(url(&it).parse().unwrap()).await.unwrap();
    let heard = Arc::new(AtomicU64::new(0));
    let (ear, missed) = (heard.clone(), Arc::new(AtomicU64::new(0)));
    let ear_for_missed = missed.clone();
    let listening = tokio::spawn(async move {
        let hear = move |version| match version {
            u64::MAX => drop(ear_for_missed.fetch_add(1, Ordering::SeqCst)),
            version => ear.store(version, Ordering::SeqCst),
        };
        other.listen(&hear).await;
    });
    for round in 1..=3 {
        eventually("listening", async || missed.load(Ordering::SeqCst) >= round).await;
        let version = it.store.take_version(0).await.unwrap();
        eventually("told", async || heard.load(Ordering::SeqCst) == version).await;
        // Nothing is told that was rolled back.
        let unknown = with(change(1), Write::ReplaceKey(key(9, 1)));
        assert!(matches!(it.store.write(&unknown, 0).await, Err(StoreError::Conflict)));
        it.sql(CUT_EVERYONE).await.unwrap();
    }
    listening.abort();
}

/// Whoever makes the first meter of a period waits for whoever changes how long periods are, and goes by what they say.
#[tokio::test]
async fn the_first_meter_of_a_period_is_made_by_the_rule_as_it_is_then() {
    for change in [
        "UPDATE organizations SET time_zone = 'Asia/Tokyo'",
        "UPDATE plans SET period = 'day'; UPDATE organizations SET changed_in = changed_in",
    ] {
        let it = Fixture::postgres().await;
        leases::with_plan(&*it.store, PlanRow { period: QuotaPeriod::Month, ..leases::plan(1000) }).await;
        let mut other = PgConnection::connect(url(&it)).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; {change}"))).execute(&mut other).await.unwrap();
        let store = it.store.clone();
        let first = tokio::spawn(async move { store.lease(&leases::wish("a")).await.unwrap() });
        let waiting = "SELECT CAST(COUNT(*) AS TEXT) FROM pg_stat_activity \
                       WHERE wait_event_type = 'Lock' AND datname = current_database()";
        eventually("it waits", async || first.is_finished() || it.text(waiting).await == ["1"]).await;
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
        let (first, second) = (first.await.unwrap(), it.store.lease(&leases::wish("b")).await.unwrap());
        let bounds = [first, second].map(|it| (it.grants[0].period, it.grants[0].ends));
        assert_eq!(bounds[0], bounds[1], "{change}");
        assert_eq!(it.text("SELECT subject FROM meters").await.len(), 1, "{change}");
        let by_then = it.store.meter(leases::subject(), 0).await.unwrap().0.unwrap();
        let period = Period::at(&by_then.rule, None, super::rows::NOW);
        assert_eq!(bounds[0], (period.start, period.end), "{change}");
    }
}

/// What becomes of the first COMMIT that comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It never arrives.
    Lost,
    /// It is carried out, and nobody hears of it.
    Unanswered,
    /// The same, and the database cannot be reached since.
    UnansweredForGood,
}

/// A way to the database on which one COMMIT meets its fate.
async fn road(url: &str, fate: Fate) -> PgConnectOptions {
    let options: PgConnectOptions = url.parse().unwrap();
    let (host, port) = (options.get_host().to_owned(), options.get_port());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let met = Arc::new(AtomicU64::new(0));
        while let Ok((client, _)) = listener.accept().await {
            if fate == Fate::UnansweredForGood && met.load(Ordering::SeqCst) > 0 {
                continue;
            }
            let server = TcpStream::connect((host.as_str(), port)).await.unwrap();
            tokio::spawn(travel(client, server, fate, met.clone()));
        }
    });
    options.host("127.0.0.1").port(address.port())
}

async fn travel(mut client: TcpStream, mut server: TcpStream, fate: Fate, met: Arc<AtomicU64>) {
    let (mut asked, mut said) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let Some(count) = count.ok().filter(|count| *count > 0) else { return };
                let is_commit = asked[..count].windows(7).any(|it| it == b"COMMIT\0");
                if is_commit && met.fetch_add(1, Ordering::SeqCst) == 0 {
                    if fate != Fate::Lost {
                        server.write_all(&asked[..count]).await.unwrap();
                        assert!(server.read(&mut said).await.unwrap() > 0);
                    }
                    return;
                }
                if server.write_all(&asked[..count]).await.is_err() { return }
            }
            count = server.read(&mut said) => {
                let Some(count) = count.ok().filter(|count| *count > 0) else { return };
                if client.write_all(&said[..count]).await.is_err() { return }
            }
        }
    }
}

async fn check_commit(fate: Fate, is_known: bool) {
    let it = Fixture::postgres().await;
    two_organizations(&*it.store).await;
    let before = it.store.version().await.unwrap();
    let store = PostgresStore::open(road(url(&it), fate).await).await.unwrap();
    let written = store.write(&with(change(1), Write::InsertKey(key(1, 1))), 0).await;
    match is_known {
        true => assert_eq!(written.unwrap(), it.store.version().await.unwrap(), "{fate:?}"),
        false => assert!(matches!(written, Err(StoreError::Unknown(_))), "{fate:?}: {written:?}"),
    }
    let changes = it.store.changes(before, 0).await.unwrap();
    assert_eq!((changes.keys.len(), changes.version), (1, before + 1), "{fate:?}: once");
}

#[tokio::test]
async fn a_commit_that_got_lost_is_done_again() {
    check_commit(Fate::Lost, true).await;
}

#[tokio::test]
async fn a_commit_whose_answer_got_lost_counts() {
    check_commit(Fate::Unanswered, true).await;
}

#[tokio::test]
async fn a_commit_that_nobody_can_ask_about_is_not_known() {
    check_commit(Fate::UnansweredForGood, false).await;
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_apart_from_one_that_refuses() {
    let it = Fixture::postgres().await;
    let nowhere: PgConnectOptions = url(&it).parse().unwrap();
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = PostgresStore::open(nowhere.clone().port(unused.port())).await.map(drop);
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    let refused = PostgresStore::open(nowhere.password("s3cret")).await.map(drop);
    let refused = refused.unwrap_err();
    assert!(matches!(refused, StoreError::Database(_)), "{refused:?}");
    assert!(!format!("{refused:?} {refused}").contains("s3cret"));
}
