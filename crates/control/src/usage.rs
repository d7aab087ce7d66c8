//! What keys did, added up: a page of sums, or all of them.
//!
//! `list` answers every question there is about usage: the busiest keys are `by=key` with `sort=requests`, a chart is
//! `by=day`, denials by reason are `by=reason`. Invariants: a caller is told of organisations it may see; an export never
//! holds more than a page in memory.

mod names;
mod question;
mod sheet;
mod stretch;

use std::sync::Arc;

use futures_util::stream::{Stream, try_unfold};
use portcullis_api::audit::ExportFormat;
use portcullis_api::usage::{ExportUsage, ListUsage, UsageList, UsageRow, UsageSort};

use crate::access::Permission::KeysRead;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::store::{Grain, Part, Place, UsageQuestion, UsageSum};

/// An export reads so many rows at once.
const EXPORTED_AT_ONCE: u32 = 500;

/// One page of sums.
pub(crate) async fn list(app: &App, by: &Caller, query: &ListUsage) -> Result<UsageList, Error> {
    by.require(KeysRead)?;
    let mut question = question::parse(by, query, app.clock.seconds())?;
    let page = usize::try_from(question.limit).unwrap_or(usize::MAX);
    question.limit = question.limit.saturating_add(1);
    app.fleet.settle().await?;
    names::resolve(app, by, query, &mut question).await?;
    let mut sums = app.store.usage(&question).await?;
    let more = sums.len() > page && !question.busiest_first;
    sums.truncate(page);
    let next_cursor = sums.last().filter(|_| more).map(|sum| question::cursor(&sum.place));
    let (from, to) = (to_rfc3339(question.from()), to_rfc3339(question.to()));
    Ok(UsageList { from, to, data: sums.into_iter().map(|sum| row(&question, sum)).collect(), next_cursor })
}

/// All of them: from when and until when, and the text in pieces.
pub(crate) async fn export(
    app: App,
    by: &Caller,
    query: ExportUsage,
) -> Result<([String; 2], impl Stream<Item = Result<Vec<u8>, Error>> + Send + use<>), Error> {
    by.require(KeysRead)?;
    let ExportUsage { from, to, organization, key, environment, route, by: parts, format } = query;
    let (sort, limit, cursor) = (UsageSort::Place, None, None);
    let query = ListUsage { from, to, organization, key, environment, route, by: parts, sort, limit, cursor };
    let mut question = question::parse(by, &query, app.clock.seconds())?;
    question.limit = EXPORTED_AT_ONCE;
    {
        let _listing = app.listings.turn(by).await;
        app.fleet.settle().await?;
        names::resolve(&app, by, &query, &mut question).await?;
    }
    let bounds = [question.from(), question.to()].map(to_rfc3339);
    let heading = match format {
        ExportFormat::Csv => sheet::heading(&question),
        ExportFormat::Jsonl => Vec::new(),
    };
    let by = Arc::new(by.clone());
    let pieces = try_unfold(Some((heading, question)), move |next| {
        let (app, by) = (app.clone(), by.clone());
        async move {
            let Some((mut text, question)) = next else { return Ok(None) };
            let sums = {
                let _listing = app.listings.turn(&by).await;
                app.fleet.settle().await?;
                app.store.usage(&question).await?
            };
            let is_full = sums.len() == usize::try_from(EXPORTED_AT_ONCE).unwrap_or(usize::MAX);
            let last = sums.last().map(|sum| sum.place.clone()).filter(|_| is_full);
            for sum in sums {
                write(format, &question, row(&question, sum), &mut text);
            }
            Ok(Some((text, last.map(|last| (Vec::new(), UsageQuestion { after: Some(last), ..question })))))
        }
    });
    Ok((bounds, pieces))
}

fn write(format: ExportFormat, question: &UsageQuestion, row: UsageRow, text: &mut Vec<u8>) {
    match format {
        ExportFormat::Csv => text.extend(sheet::line(question, row)),
        ExportFormat::Jsonl => {
            text.extend(serde_json::to_vec(&row).unwrap_or_default());
            text.push(b'\n');
        }
    }
}

fn row(question: &UsageQuestion, sum: UsageSum) -> UsageRow {
    let UsageSum { place, allowed, cost, denied } = sum;
    let mut row = UsageRow { allowed, cost, denied, ..UsageRow::default() };
    for (part, place) in question.by.iter().zip(place) {
        let text = match place {
            Place::Text(text) => text,
            Place::Time(time) if question.grain == Grain::Hours => to_rfc3339(time),
            Place::Time(time) => to_rfc3339(time).chars().take_while(|it| *it != 'T').collect(),
        };
        *member(question.grain, *part, &mut row) = Some(text);
    }
    row
}

/// Where a part stands in a row.
fn member(grain: Grain, part: Part, row: &mut UsageRow) -> &mut Option<String> {
    match part {
        Part::Time if grain == Grain::Hours => &mut row.hour,
        Part::Time => &mut row.day,
        Part::Organization => &mut row.organization,
        Part::Environment => &mut row.environment,
        Part::Key => &mut row.key,
        Part::Route => &mut row.route,
        Part::Reason => &mut row.reason,
    }
}
