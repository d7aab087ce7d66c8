//! Quotas and rates as people type them, and the form of a key's own.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portcullis_api::plans::Rate;
use portcullis_api::{Key, KeyQuota, Patch, QuotaPeriod, UpdateKey};

use super::desk::Desk;
use super::done::Done;
use super::problems::{Places, beside};
use super::{Html, edit_key, fields};
use crate::app::App;
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::keys;
use crate::pages::form::Problems;
use crate::pages::limits::{EditLimits, LimitFields};
use crate::pages::shell::Section;
use crate::policy::PolicyRoom;
use crate::tag;

/// What an empty limit means for a key.
const NO_LIMIT: &str = "its organisation's alone";
const PLACES: &Places = &[("/quota", "limit"), ("/quota/period", "period"), ("/rate", "rate_requests"), ("", "limit")];

pub(super) async fn form(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<EditLimits>, Failure> {
    let key = keys::editable(&app, &desk.by, &id).await?;
    let limits = shown(key.quota.map(|it| it.limit), key.quota.unwrap_or_default().period, key.rate, NO_LIMIT);
    Ok(Html::ok(page(&app, &desk, &key, limits, tag::of(&key), Problems::default())))
}

fn page(app: &App, desk: &Desk, key: &Key, limits: LimitFields, etag: String, problems: Problems) -> EditLimits {
    let shell = desk.shell(format!("Limits of {}", key.name), Section::Keys);
    EditLimits { shell, key: edit_key::row(app, key), limits, etag, problems }
}

pub(super) async fn save(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let key = keys::editable(&app, &desk.by, &id).await?;
    let problems = match edit_key::save(&app, &desk, &key, &sent, changes(&key, &sent), Done::KeyLimited).await {
        Ok(saved) => return Ok(saved),
        Err(error) => beside(error, PLACES)?,
    };
    let policy = app.policy();
    let etag = fields::again(&policy, sent.get("etag"));
    Ok(Html::again(page(&app, &desk, &key, again(&policy, &sent, NO_LIMIT), etag, problems)).into_response())
}

/// Only what differs.
fn changes(key: &Key, sent: &Fields) -> Result<UpdateKey, Error> {
    fn patch<T: PartialEq>(wanted: Option<T>, held: Option<&T>) -> Patch<T> {
        match wanted {
            wanted if wanted.as_ref() == held => Patch::Keep,
            Some(wanted) => Patch::Set(wanted),
            None => Patch::Clear,
        }
    }
    let limit = number("/quota/limit", sent.get("limit"))?;
    let period = period("/quota/period", sent)?;
    let quota = limit.map(|limit| KeyQuota { limit, period });
    Ok(UpdateKey {
        quota: patch(quota, key.quota.as_ref()),
        rate: patch(rate(sent)?, key.rate.as_ref()),
        ..UpdateKey::default()
    })
}

/// A number that somebody typed; empty = none.
pub(super) fn number(pointer: &str, text: &str) -> Result<Option<u64>, Error> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Error::invalid(pointer, "expected a whole number, such as 30000")),
    }
}

pub(super) fn rate(sent: &Fields) -> Result<Option<Rate>, Error> {
    let typed = ["rate_requests", "rate_seconds", "rate_burst"].map(|name| sent.get(name).trim());
    if typed.iter().all(|text| text.is_empty()) {
        return Ok(None);
    }
    let whole = |text: &str| text.parse().map_err(|_| Error::invalid("/rate", "fill in all three, or none"));
    let [requests, seconds, burst] = typed;
    Ok(Some(Rate { requests: whole(requests)?, seconds: whole(seconds)?, burst: whole(burst)? }))
}

pub(super) fn period(pointer: &str, sent: &Fields) -> Result<QuotaPeriod, Error> {
    chosen(pointer, sent, &QuotaPeriod::ALL.map(|it| (it.as_str(), it)))
}

/// Which of a few was sent under the name that the pointer ends in; the default if none was.
pub(super) fn chosen<T: Copy + Default>(pointer: &str, sent: &Fields, all: &[(&str, T)]) -> Result<T, Error> {
    let field = pointer.rsplit('/').next().unwrap_or_default();
    if !sent.has(field) {
        return Ok(T::default());
    }
    let found = all.iter().find(|(name, _)| *name == sent.get(field));
    found.map(|(_, it)| *it).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|(name, _)| format!("`{name}`")).collect();
        Error::invalid(pointer, format!("expected one of {}", names.join(", ")))
    })
}

/// The fields of limits that are there.
pub(super) fn shown(
    limit: Option<u64>,
    period: QuotaPeriod,
    rate: Option<Rate>,
    no_limit: &'static str,
) -> LimitFields {
    let text = |number: Option<u64>| number.map(|it| it.to_string()).unwrap_or_default();
    let part = |part: fn(&Rate) -> u32| text(rate.as_ref().map(|rate| part(rate).into()));
    LimitFields {
        limit: text(limit),
        no_limit,
        periods: QuotaPeriod::ALL.map(|it| (it.as_str(), words(it), it == period)).into(),
        rate_requests: part(|it| it.requests),
        rate_seconds: part(|it| it.seconds),
        rate_burst: part(|it| it.burst),
    }
}

/// What was sent, to be put right.
pub(super) fn again(policy: &PolicyRoom, sent: &Fields, no_limit: &'static str) -> LimitFields {
    let text = |name| fields::again(policy, sent.get(name));
    LimitFields {
        limit: text("limit"),
        rate_requests: text("rate_requests"),
        rate_seconds: text("rate_seconds"),
        rate_burst: text("rate_burst"),
        ..shown(None, period("/period", sent).unwrap_or_default(), None, no_limit)
    }
}

/// `100 in 60 s, 20 at once`.
pub(super) fn rate_words(it: Rate) -> String {
    format!("{} in {} s, {} at once", it.requests, it.seconds, it.burst)
}

fn words(period: QuotaPeriod) -> &'static str {
    match period {
        QuotaPeriod::ThirtyDays => "30 days from when it was made",
        QuotaPeriod::Month => "A calendar month, in the organisation's time zone",
        QuotaPeriod::Day => "A calendar day, in the organisation's time zone",
    }
}
