//! `/policy`: the text in force, its versions, and one of those.

use axum::extract::State;
use axum::response::Redirect;
use portcullis_api::policy::{DiffPolicy, ListPolicyVersions, PolicySource, PolicyVersion as About, RestorePolicy};
use serde::Deserialize;

use super::Html;
use super::desk::Desk;
use super::done::{Done, done};
use super::edit_policy::difference;
use super::problems::sentence;
use crate::access::Permission::PolicyWrite;
use crate::app::App;
use crate::error::Error;
use crate::http::body::{Parameters, Segment};
use crate::http::failure::Failure;
use crate::http::session::{Form, escaped};
use crate::pages::message::Confirm;
use crate::pages::parts::{Code, Pager};
use crate::pages::policy::{PolicyPage, PolicyVersion, VersionRow};
use crate::pages::shell::Section;
use crate::pages::text_diff::TextDiff;
use crate::pages::when::When;
use crate::policy;

const ON_A_PAGE: u32 = 25;
const HERE: &str = "/policy";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    cursor: String,
}

/// Everybody sees the policy; its versions are the operator's.
pub(super) async fn show(
    State(app): State<App>,
    desk: Desk,
    Parameters(Asked { cursor }): Parameters<Asked>,
) -> Result<Html<PolicyPage>, Failure> {
    let current = policy::show(&app, &desk.by).await?;
    let cursor = Some(cursor).filter(|cursor| cursor.parse::<u64>().is_ok());
    let now = app.clock.seconds();
    let (mut versions, mut pager) = (Vec::new(), Pager::default());
    if desk.viewer.can.operate {
        let query = ListPolicyVersions { limit: Some(ON_A_PAGE), cursor: cursor.clone() };
        let found = policy::versions(&app, &desk.by, &query).await?;
        versions = found.data.into_iter().map(|about| row(about, now)).collect();
        pager = Pager {
            shown: versions.len(),
            first: cursor.map(|_| HERE.to_owned()),
            next: found.next_cursor.map(|cursor| format!("{HERE}?cursor={}", escaped(&cursor))),
        };
    }
    Ok(Html::ok(PolicyPage {
        shell: desk.shell("Policy", Section::Policy),
        current: row(current.about, now),
        toml: current.toml,
        versions,
        pager,
        cli: Code::example("policy-cli", "From the command line", "portcullis policy check policy.toml"),
    }))
}

pub(super) async fn version(
    State(app): State<App>,
    desk: Desk,
    Segment(version): Segment,
) -> Result<Html<PolicyVersion>, Failure> {
    let _listing = app.listings.turn(&desk.by).await;
    let found = policy::version(&app, &desk.by, &version).await?;
    let compared = match found.about.current {
        true => None,
        // What was published by an older release may not compile any more: then there is nothing to compare.
        false => policy::check(&app, &desk.by, &found.toml).await?.difference.map(difference),
    };
    let texts = texts(&app, &desk, &found.about).await?;
    let row = row(found.about, app.clock.seconds());
    let shell = desk.shell(format!("Version {}", row.version), Section::Policy);
    Ok(Html::ok(PolicyVersion { shell, row, toml: found.toml, difference: compared, texts }))
}

/// How the text of a version differs from the one in force, and from the one before it.
async fn texts(app: &App, desk: &Desk, about: &About) -> Result<Vec<TextDiff>, Error> {
    let version = about.version.to_string();
    let from = async |against| policy::diff(app, &desk.by, &version, &DiffPolicy { against }).await;
    let mut texts = Vec::new();
    if !about.current {
        let current = policy::show(app, &desk.by).await?.about.version;
        let title = format!("From version {current}, which is in force, to this one");
        texts.push(TextDiff::new("text-difference", title, from(Some(current)).await?.text));
    }
    let changed = from(None).await?;
    if let Some(before) = changed.against {
        texts.push(TextDiff::new("text-change", format!("What changed since version {before}"), changed.text));
    }
    Ok(texts)
}

pub(super) async fn ask_to_restore(
    State(app): State<App>,
    desk: Desk,
    Segment(version): Segment,
) -> Result<Html<Confirm>, Failure> {
    desk.by.require(PolicyWrite)?;
    let _listing = app.listings.turn(&desk.by).await;
    let old = policy::version(&app, &desk.by, &version).await?;
    let current = policy::show(&app, &desk.by).await?.about.version;
    let check = policy::check(&app, &desk.by, &old.toml).await?;
    let change = match (check.difference, check.problems.first()) {
        (Some(difference), _) => sentence(&difference.summary),
        (None, Some(problem)) => format!("It cannot be published any more: {}", sentence(&problem.message)),
        (None, None) => "It cannot be published any more.".to_owned(),
    };
    let page = format!("{HERE}/versions/{}", old.about.version);
    Ok(Html::ok(Confirm {
        shell: desk.shell(format!("Restore version {}", old.about.version), Section::Policy),
        question: format!("Restore version {} of the policy?", old.about.version),
        points: vec![
            change,
            format!("Its text becomes version {}; version {current} stays in the list.", current + 1),
            "Edges enforce it within a second.".to_owned(),
        ],
        action: format!("{page}/restore"),
        hidden: vec![("base_version", current.to_string())],
        yes: "Restore it".to_owned(),
        danger: false,
        back: page,
    }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Restored {
    base_version: String,
}

pub(super) async fn restore(
    State(app): State<App>,
    desk: Desk,
    Segment(version): Segment,
    Form(sent): Form<Restored>,
) -> Result<Redirect, Failure> {
    let request = RestorePolicy { note: None, base_version: Some(base(&sent.base_version)) };
    let published = policy::restore(&app, &desk.by, &version, &request).await?;
    Ok(done(HERE, Done::PolicyRestored, Some(published.version)))
}

/// The version that a form was filled in for. There is no version 0: what is none is never taken for the one in force.
pub(super) fn base(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

fn row(about: About, now: u64) -> VersionRow {
    let source = match (about.source, about.restored_from) {
        (PolicySource::File, _) => "from a file".to_owned(),
        (PolicySource::Restore, Some(version)) => format!("restored from version {version}"),
        (PolicySource::Api | PolicySource::Restore, _) => "from the page or the API".to_owned(),
    };
    VersionRow {
        version: about.version,
        published: When::parse(&about.published_at, now),
        published_by: about.published_by,
        source,
        note: about.note,
        current: about.current,
    }
}
