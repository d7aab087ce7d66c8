//! `/edge/v1/leases` and `/edge/v1/drain`: what edges say, checked, and answered from the ledger.
//!
//! Invariant: whatever an edge sends, it is told what is stored, and what cannot be is not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use portcullis_api::edge::{DrainAnswer, DrainRequest, LeaseAnswer, LeaseRequest};
use portcullis_engine::Subject;

use crate::app::App;
use crate::error::Error;
use crate::fleet;
use crate::keys::misleads;
use crate::store::LeaseCall;

/// For how long a process may spend what it holds, from when it asked.
const VALID_SECONDS: u64 = 60;
const MAX_NAME: usize = 128;
/// Meters in one call.
const MAX_METERS: usize = 4096;
/// For so long a process is told to stop; after that somebody thought better of it.
const DRAINING_MS: u64 = 10 * 60 * 1000;
/// Names in an answer.
const MOST_NAMED: usize = 10;
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Takes in what a process says, and grants what it wants.
pub(crate) async fn take(app: &App, request: LeaseRequest) -> Result<LeaseAnswer, Error> {
    check_edge(app, &request.edge)?;
    if request.boot.len() != 16 || !request.boot.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it)) {
        return Err(Error::invalid("/boot", "expected 16 hexadecimal digits in lower case"));
    }
    if request.meters.len() > MAX_METERS {
        return Err(Error::invalid("/meters", format!("expected at most {MAX_METERS} meters in one call")));
    }
    let now_ms = app.clock.millis();
    app.store.close_boots(now_ms).await?;
    // What names nobody is left out; of what is there twice the last counts.
    let meters = request.meters.into_iter().filter_map(|it| Some((Subject::parse(&it.subject)?, it)));
    let meters: BTreeMap<_, _> = meters.map(|(subject, it)| ((subject, it.period), (subject, it))).collect();
    let call = LeaseCall {
        edge: request.edge,
        boot: request.boot,
        now_ms,
        meters: meters.into_values().collect(),
        floors: request.floors,
    };
    let outcome = app.store.lease(&call).await?;
    app.metrics.leased(outcome.granted);
    Ok(LeaseAnswer {
        valid_seconds: VALID_SECONDS,
        grants: outcome.grants,
        unmetered: outcome.unmetered.iter().map(ToString::to_string).collect(),
        recall: outcome.recall,
        floors: outcome.floors,
        drain: outcome.drain,
    })
}

/// Tells the processes of an edge to give back what they hold, and waits until they did.
pub(crate) async fn drain(app: &App, request: &DrainRequest) -> Result<DrainAnswer, Error> {
    check_edge(app, &request.edge)?;
    let now_ms = app.clock.millis();
    app.store.close_boots(now_ms).await?;
    let processes = app.store.drain(&request.edge, now_ms, now_ms.saturating_add(DRAINING_MS)).await?;
    if processes == 0 && !app.store.knows_edge(&request.edge).await? {
        known(&request.edge, fleet::names(app).await?)?;
    }
    let end = Instant::now() + DRAIN_WITHIN;
    loop {
        let now_ms = app.clock.millis();
        app.store.close_boots(now_ms).await?;
        let (outstanding, in_doubt) = app.store.outstanding(&request.edge, now_ms).await?;
        if outstanding == 0 || Instant::now() >= end {
            return Ok(DrainAnswer { processes, outstanding, in_doubt });
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN_AFTER) => {}
            () = app.shutdown.begun() => return Ok(DrainAnswer { processes, outstanding, in_doubt }),
        }
    }
}

/// Fails unless it is one of those that report: one without a quota has nothing to give back.
fn known(edge: &str, names: Vec<String>) -> Result<(), Error> {
    if names.iter().any(|it| it == edge) {
        return Ok(());
    }
    let listed = |names: &[String]| names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    let hint = match names.get(..MOST_NAMED) {
        _ if names.is_empty() => "no edge reports".to_owned(),
        Some(some) if names.len() > MOST_NAMED => {
            format!("of {} that report the first are {}", names.len(), listed(some))
        }
        _ => format!("those that report are {}", listed(&names)),
    };
    let edge: String = edge.chars().filter(|it| !misleads(*it)).collect();
    Err(Error::UnknownEdge { edge, hint })
}

fn check_edge(app: &App, name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Error::invalid("/edge", format!("expected 1 to {MAX_NAME} characters on one line")));
    }
    if app.policy().spots_secret_in(name) {
        return Err(Error::invalid("/edge", "this looks like a key or a token, which must not be stored"));
    }
    Ok(())
}
