//! `/`: the keys, the requests and the edges at a glance.
//!
//! Edges count requests for everyone together, so only the operator is shown those counts; others are shown the reasons of
//! the denials of their own keys that edges told of.

use std::collections::BTreeMap;

use axum::extract::State;
use portcullis_api::Key;
use portcullis_api::audit::ListAudit;
use portcullis_api::denials::ListDenials;
use portcullis_api::traffic::Traffic;

use super::Html;
use super::audit as log;
use super::desk::Desk;
use super::keys::first_key;
use crate::app::App;
use crate::clock::{DAY, from_rfc3339};
use crate::error::Error;
use crate::http::failure::Failure;
use crate::pages::overview::{Attention, Counts, FleetEdge, FleetSummary, Overview, Requests};
use crate::pages::parts::{Badge, Bar, Tone};
use crate::pages::shell::Section;
use crate::pages::when::When;
use crate::{audit, denials, fleet, keys, traffic};

const KEYS: u32 = 6;
const ENTRIES: u32 = 8;
/// So many of the latest denials are counted for whoever sees no traffic.
const DENIALS: u32 = 1000;

pub(super) async fn show(State(app): State<App>, desk: Desk) -> Result<Html<Overview>, Failure> {
    let (counted, found) = {
        let _listing = app.listings.turn(&desk.by).await;
        keys::attention(&app, &desk.by, KEYS).await?
    };
    let now = app.clock.seconds();
    let shown = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let sees_edges = desk.viewer.can.edges_read;
    let traffic = if sees_edges { Some(traffic::last_day(&app, &desk.by).await?) } else { None };
    let denials = match &traffic {
        Some(traffic) => Bar::all(sums(traffic, |hour| &hour.denied)),
        None => Bar::all(reasons(&app, &desk).await?),
    };
    Ok(Html::ok(Overview {
        shell: desk.shell("Overview", Section::Overview),
        counts: Counts {
            active: counted.active,
            disabled: counted.disabled,
            expired: counted.expired,
            revoked: counted.revoked,
            overdue: counted.overdue,
            idle: counted.idle,
            to_look_after: counted.to_look_after,
        },
        requests: traffic.as_ref().map(|it| Requests { allowed: it.allowed, denied: it.denied }),
        attention: found.iter().map(|key| attention(key, now)).collect(),
        more_attention: counted.to_look_after.saturating_sub(shown),
        denials,
        observed: traffic.as_ref().map(|it| Bar::all(sums(it, |hour| &hour.observed))).unwrap_or_default(),
        since: traffic.as_ref().and_then(|it| it.hours.first()).map(|hour| When::parse(&hour.starts_at, now)),
        fleet: if sees_edges { Some(summary(&app, &desk).await?) } else { None },
        entries: entries(&app, &desk).await?,
        first_key: first_key(&app.policy()),
    }))
}

fn attention(key: &Key, now: u64) -> Attention {
    let left = key.expires_at.as_deref().and_then(from_rfc3339).map(|expiry| expiry.saturating_sub(now) / DAY);
    let (badge, advice) = match (key.overdue, key.idle, left) {
        (true, _, _) => (Badge::new(Tone::Warn, "Overdue"), format!("{} days old: rotate it", key.age_days)),
        (_, true, _) => (Badge::new(Tone::Quiet, "Idle"), "unused for 30 days: does anybody need it?".to_owned()),
        (_, _, Some(0)) => (Badge::new(Tone::Warn, "Expires"), "today: rotate or extend it".to_owned()),
        (_, _, Some(1)) => (Badge::new(Tone::Warn, "Expires"), "in 1 day: rotate or extend it".to_owned()),
        (_, _, left) => {
            let left = left.unwrap_or_default();
            (Badge::new(Tone::Warn, "Expires"), format!("in {left} days: rotate or extend it"))
        }
    };
    Attention { id: key.id.clone(), name: key.name.clone(), environment: key.environment.clone(), badge, advice }
}

type Reasons = BTreeMap<String, u64>;

/// Reasons of all hours together.
fn sums(traffic: &Traffic, counts: impl Fn(&portcullis_api::traffic::Hour) -> &Reasons) -> Reasons {
    let mut sums = Reasons::new();
    for (reason, count) in traffic.hours.iter().flat_map(counts) {
        *sums.entry(reason.replace('_', " ")).or_default() += count;
    }
    sums
}

async fn reasons(app: &App, desk: &Desk) -> Result<Reasons, Error> {
    let mut sums = Reasons::new();
    let wanted = ListDenials { key: None, limit: Some(DENIALS), cursor: None };
    let _listing = app.listings.turn(&desk.by).await;
    for denial in denials::list(app, &desk.by, &wanted).await?.data {
        *sums.entry(denial.reason.replace('_', " ")).or_default() += 1;
    }
    Ok(sums)
}

async fn summary(app: &App, desk: &Desk) -> Result<FleetSummary, Error> {
    let edges = fleet::list(app, &desk.by).await?;
    let now = app.clock.seconds();
    let edge = |it: portcullis_api::status::Edge| FleetEdge {
        edge: it.edge,
        silent: it.silent,
        lag: it.versions_behind,
        last_report: When::parse(&it.last_report, now),
    };
    Ok(FleetSummary {
        current: edges.iter().filter(|it| !it.silent && it.versions_behind == 0).count(),
        edges: edges.into_iter().map(edge).collect(),
    })
}

async fn entries(app: &App, desk: &Desk) -> Result<Vec<crate::pages::audit::AuditRow>, Error> {
    if !desk.viewer.can.audit_read {
        return Ok(Vec::new());
    }
    let _listing = app.listings.turn(&desk.by).await;
    let found = audit::list(app, &desk.by, &ListAudit { limit: Some(ENTRIES), ..ListAudit::default() }).await?;
    Ok(log::rows(found.data, app.clock.seconds()))
}
