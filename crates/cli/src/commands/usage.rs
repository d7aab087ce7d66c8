//! `portcullis usage`: what keys did, added up.

mod window;

use portcullis_api::audit::ExportFormat;
use portcullis_api::usage::{EXPORTED_FROM, EXPORTED_TO, ExportUsage, ListUsage, UsageList, UsageRow, UsageSort};
use portcullis_sdk::{Client, Error};

use super::block_on;
use crate::args::{Control, Output};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::table::Table;
use window::Window;

/// As many as one page can hold.
const PAGE: u32 = 1000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,
    /// Those with the most requests first.
    #[arg(long)]
    top: bool,
    /// At most this many rows.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Write all of it to stdout as a table for a spreadsheet instead.
    #[arg(long, conflicts_with_all = ["limit", "top", "json"])]
    csv: bool,
    #[command(flatten)]
    control: Control,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Debug, clap::Args)]
struct Filter {
    /// From then on, such as 2027-01-31 (UTC) or 2027-01-31T12:00:00+01:00; 30 days before --to if absent. Exact to the hour for
    /// 35 days, to the day (UTC) before that.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before then, so --to 2027-02-01 is all of January; now if absent.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only this organisation's.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Only this key's.
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// Only in this environment.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Only under this rule, with all or some of its methods, such as 'GET /v1/users/{id}'; '' for under none.
    #[arg(long, value_name = "RULE")]
    route: Option<String>,
    /// What is told apart: hour or day, organization, environment, key, route, reason, with commas between; or total.
    #[arg(long, value_name = "WHAT", default_value = "total")]
    by: String,
}

pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    block_on(async {
        let client = args.control.client()?;
        let asked = Window::new(&args.filter);
        match args.csv {
            true => export(&client, args.filter, &asked).await?,
            false => print(&read(&client, args.filter, args.top, args.limit).await?, args.output, &asked)?,
        }
        Ok(Exit::Success)
    })
}

async fn read(client: &Client, filter: Filter, top: bool, limit: u32) -> Result<UsageList, Failure> {
    let Filter { from, to, organization, key, environment, route, by } = filter;
    let sort = if top { UsageSort::Requests } else { UsageSort::Place };
    let (by, limit_of_page) = (Some(by), Some(limit.min(PAGE)));
    let mut query =
        ListUsage { from, to, organization, key, environment, route, by, sort, limit: limit_of_page, cursor: None };
    let mut list = client.list_usage(&query).await.map_err(refused)?;
    while let Some(cursor) = list.next_cursor.take() {
        let missing = limit.saturating_sub(u32::try_from(list.data.len()).unwrap_or(u32::MAX));
        if missing == 0 {
            break;
        }
        (query.limit, query.cursor) = (Some(missing.min(PAGE)), Some(cursor));
        let page = client.list_usage(&query).await.map_err(refused)?;
        list.data.extend(page.data);
        list.next_cursor = page.next_cursor;
    }
    Ok(list)
}

/// In the words of the command line.
fn refused(error: Error) -> Failure {
    match error {
        Error::Refused(problem) if matches!(problem.pointer.as_deref(), Some("/from" | "/to")) => {
            Failure::unable(problem.detail.replace("`from`", "`--from`").replace("`to`", "`--to`"))
        }
        other => other.into(),
    }
}

fn print(list: &UsageList, how: Output, asked: &Window) -> Result<(), Failure> {
    if let Some(note) = asked.rounded(&list.from, &list.to) {
        output::talk(&note);
    }
    if how.json {
        return Ok(output::json(&list.data)?);
    }
    let mut table = Table::pairs();
    let headings = list.data.first().map(|row| parts(row).map(|(name, _)| name.to_uppercase()).collect());
    let mut headings: Vec<_> = headings.unwrap_or_default();
    headings.extend(["ALLOWED", "COST", "DENIED"].map(str::to_owned));
    table.cells(headings);
    for row in &list.data {
        let mut cells: Vec<_> = parts(row).map(|(_, value)| shown(value)).collect();
        cells.extend([row.allowed, row.cost, row.denied].map(|it| it.to_string()));
        table.cells(cells);
    }
    output::data(&table.to_string());
    if asked.rounded(&list.from, &list.to).is_none() {
        output::talk(&format!("from {} to {}", list.from, list.to));
    }
    Ok(())
}

/// What is told apart, in the order of columns.
fn parts(row: &UsageRow) -> impl Iterator<Item = (&'static str, &str)> {
    let all = [
        ("hour", &row.hour),
        ("day", &row.day),
        ("organization", &row.organization),
        ("environment", &row.environment),
        ("key", &row.key),
        ("route", &row.route),
        ("reason", &row.reason),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
}

fn shown(value: &str) -> String {
    if value.is_empty() { "-".to_owned() } else { value.to_owned() }
}

async fn export(client: &Client, filter: Filter, asked: &Window) -> Result<(), Failure> {
    let Filter { from, to, organization, key, environment, route, by } = filter;
    let (by, format) = (Some(by), ExportFormat::Csv);
    let query = ExportUsage { from, to, organization, key, environment, route, by, format };
    let pieces = client.export_usage(&query).await.map_err(refused)?;
    let bounds = pieces.header(EXPORTED_FROM).zip(pieces.header(EXPORTED_TO));
    if let Some(note) = bounds.and_then(|(from, to)| asked.rounded(from, to)) {
        output::talk(&note);
    }
    Ok(output::pieces(pieces).await?)
}
