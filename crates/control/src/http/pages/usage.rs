//! `/usage`: what the viewer's organisation used, and the same as a file.

use axum::extract::State;
use axum::response::Response;
use portcullis_api::audit::ExportFormat;
use portcullis_api::usage::{ExportUsage, ListUsage, UsageRow, UsageSort};
use serde::Deserialize;

use super::desk::Desk;
use super::{Html, quota};
use crate::access::Permission::KeysRead;
use crate::app::App;
use crate::clock::{DAY, from_rfc3339, to_rfc3339};
use crate::error::Error;
use crate::http::body::Parameters;
use crate::http::failure::Failure;
use crate::http::usage::file;
use crate::pages::explain::reason_words;
use crate::pages::parts::Bar;
use crate::pages::shell::Section;
use crate::pages::usage::{Chart, KeyRow, Usage};
use crate::{keys, usage};

const STRETCHES: [(u64, &str); 4] = [(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "A year")];
const DEFAULT: u64 = 30;
const BUSIEST: u32 = 10;
/// More days than there are in a chart.
const ALL: u32 = 1000;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    days: String,
}

impl Asked {
    /// One of the stretches there are.
    fn days(&self) -> u64 {
        let asked = self.days.parse().ok();
        asked.filter(|days| STRETCHES.iter().any(|(it, _)| it == days)).unwrap_or(DEFAULT)
    }
}

pub(super) async fn show(
    State(app): State<App>,
    desk: Desk,
    Parameters(asked): Parameters<Asked>,
) -> Result<Html<Usage>, Failure> {
    desk.by.require(KeysRead)?;
    let _listing = app.listings.turn(&desk.by).await;
    let days = asked.days();
    let question = |by: &str| question(&app, &desk, days, None, by);
    let ask = async |by: &str| Ok::<_, Error>(usage::list(&app, &desk.by, &question(by)).await?.data);
    let busiest = async |by: &str| {
        let query = ListUsage { sort: UsageSort::Requests, limit: Some(BUSIEST), ..question(by) };
        Ok::<_, Error>(usage::list(&app, &desk.by, &query).await?.data)
    };
    let total = ask("total").await?.into_iter().next().unwrap_or_default();
    let bars = |rows: Vec<UsageRow>, label: fn(&UsageRow) -> String| {
        Bar::all(rows.iter().map(|row| (label(row), row.allowed.saturating_add(row.denied))))
    };
    Ok(Html::ok(Usage {
        quota: quota::card(&app, &desk, None).await?,
        stretches: STRETCHES.map(|(it, words)| (it, words, it == days)).into(),
        allowed: total.allowed,
        cost: total.cost,
        denied: total.denied,
        chart: chart(&app, &desk, "usage-chart", days, None).await?,
        keys: key_rows(&app, &desk, busiest("key").await?).await?,
        reasons: bars(refused(ask("reason").await?), |row| reason_words(row.reason.as_deref().unwrap_or_default())),
        routes: bars(busiest("route").await?, |row| named(row.route.as_ref(), "no rule")),
        environments: bars(ask("environment").await?, |row| named(row.environment.as_ref(), "none")),
        csv_href: format!("/usage/export?days={days}"),
        shell: desk.shell("Usage", Section::Usage),
    }))
}

/// A chart of the last days, of the organisation or of one of its keys.
pub(super) async fn chart(
    app: &App,
    desk: &Desk,
    id: &'static str,
    days: u64,
    key: Option<String>,
) -> Result<Chart, Error> {
    let query = ListUsage { limit: Some(ALL), ..question(app, desk, days, key, "day") };
    let found = usage::list(app, &desk.by, &query).await?;
    let (from, to) = (from_rfc3339(&found.from).unwrap_or(0), from_rfc3339(&found.to).unwrap_or(0));
    let of = |day: &str| found.data.iter().find(|row| row.day.as_deref() == Some(day));
    let bars = (from..to).step_by(usize::try_from(DAY).unwrap_or(usize::MAX)).map(|at| {
        let day: String = to_rfc3339(at).chars().take_while(|it| *it != 'T').collect();
        let (allowed, denied) = of(&day).map_or((0, 0), |row| (row.allowed, row.denied));
        (day, allowed, denied)
    });
    Ok(Chart::new(id, bars.collect()))
}

pub(super) async fn export(
    State(app): State<App>,
    desk: Desk,
    Parameters(asked): Parameters<Asked>,
) -> Result<Response, Failure> {
    let by = "day,environment,key,route,reason";
    let ListUsage { from, to, organization, by, .. } = question(&app, &desk, asked.days(), None, by);
    let (key, environment, route, format) = (None, None, None, ExportFormat::Csv);
    file(app, &desk.by, ExportUsage { from, to, organization, key, environment, route, by, format }).await
}

/// About the viewer's organisation, whole days of UTC, today included.
fn question(app: &App, desk: &Desk, days: u64, key: Option<String>, by: &str) -> ListUsage {
    let today = app.clock.seconds() / DAY * DAY;
    ListUsage {
        from: Some(to_rfc3339(today.saturating_sub((days - 1) * DAY))),
        to: Some(to_rfc3339(today.saturating_add(DAY))),
        organization: Some(desk.by.organization.to_string()),
        key,
        by: Some(by.to_owned()),
        ..ListUsage::default()
    }
}

async fn key_rows(app: &App, desk: &Desk, rows: Vec<UsageRow>) -> Result<Vec<KeyRow>, Error> {
    let ids: Vec<_> = rows.iter().filter_map(|row| row.key.as_deref()).collect();
    let names = keys::names(app, &desk.by, &ids).await?;
    let row = |row: UsageRow| {
        let id = row.key.unwrap_or_default();
        KeyRow {
            name: names.get(&id).cloned().unwrap_or_else(|| id.clone()),
            id,
            allowed: row.allowed,
            denied: row.denied,
        }
    };
    Ok(rows.into_iter().map(row).collect())
}

fn refused(rows: Vec<UsageRow>) -> Vec<UsageRow> {
    rows.into_iter().filter(|row| row.denied > 0).map(|row| UsageRow { allowed: 0, ..row }).collect()
}

fn named(text: Option<&String>, otherwise: &str) -> String {
    text.filter(|text| !text.is_empty()).cloned().unwrap_or_else(|| otherwise.to_owned())
}
