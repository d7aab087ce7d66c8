//! Whoever looks at a page and what surrounds it: their name, their organisation, what they may do, what just happened.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::done::Noticed;
use super::quota;
use crate::access::Permission::{
    AuditRead, EdgesRead, KeysWrite, MembersRead, MembersWrite, OrganizationsWrite, PolicyRead, PolicyWrite,
    SecretsRead, SecretsWrite, SkillsRead, SkillsWrite, TokensWrite,
};
use crate::accounts;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::http::failure::Failure;
use crate::http::session::SignedIn;
use crate::id::SessionId;
use crate::pages::receipt::Receipt;
use crate::pages::shell::{Can, Notice, NoticeKind, Section, Shell, Viewer};
use crate::receipts;
use crate::tag::Condition;

/// As a rule edges enforce a change by then, and its receipt is full when the page is shown.
const RECEIPT_WITHIN: Duration = Duration::from_millis(500);

/// A page's surroundings.
#[derive(Clone, Debug)]
pub(in crate::http) struct Desk {
    /// Who it is, for domain functions.
    pub(in crate::http) by: Caller,
    pub(in crate::http) viewer: Viewer,
    /// Their session.
    pub(in crate::http) session: SessionId,
    csrf: String,
    notice: Option<Notice>,
    quota: Option<Notice>,
}

impl Desk {
    /// What surrounds pages of somebody who is signed in.
    pub(in crate::http) async fn of(app: &App, signed_in: SignedIn) -> Result<Self, Error> {
        let SignedIn { caller: by, name, csrf, session } = signed_in;
        let here = by.organization.to_string();
        let (current, others): (Vec<_>, Vec<_>) =
            accounts::memberships(app, &by).await?.into_iter().partition(|it| it.organization == here);
        let viewer = Viewer {
            name,
            email: by.email().unwrap_or_default().to_owned(),
            role: by.role().map_or("", |role| role.as_str()).to_owned(),
            organization: current.into_iter().next().map(|it| it.name).unwrap_or_default(),
            others: others.into_iter().map(|it| (it.organization, it.name)).collect(),
            can: can(app, &by),
        };
        // Whatever keeps it from being known is said by what the page itself asks for.
        let quota = quota::banner(app, &by).await.unwrap_or_default();
        Ok(Self { by, viewer, session, csrf: csrf.expose().to_owned(), notice: None, quota })
    }

    /// Around a page.
    pub(in crate::http) fn shell(&self, title: impl Into<String>, section: Section) -> Shell {
        Shell {
            title: title.into(),
            section,
            viewer: self.viewer.clone(),
            csrf: self.csrf.clone(),
            notice: self.notice.clone(),
            quota: self.quota.clone(),
        }
    }

    /// Who it is, changing something only if it is still as the form was filled in for: its `etag` says which.
    pub(in crate::http) fn holding(&self, etag: &str) -> Caller {
        let condition = match etag {
            "" => Condition::Always,
            etag => Condition::read(&format!("\"{etag}\"")),
        };
        Caller { condition, ..self.by.clone() }
    }

    /// The same with a problem on top.
    pub(in crate::http) fn troubled(mut self, text: impl Into<String>) -> Self {
        self.notice = Some(Notice { kind: NoticeKind::Problem, text: text.into(), detail: None, receipt: None });
        self
    }
}

impl FromRequestParts<App> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let refused = |error: Error| Failure::from(error).into_response();
        let mut desk = Self::of(app, signed_in).await.map_err(refused)?;
        if let Some(noticed) = Noticed::of(&parts.headers, &parts.uri) {
            desk.notice = Some(notice(app, &desk.by, noticed).await.map_err(refused)?);
        }
        Ok(desk)
    }
}

/// What was done, and how far it has come.
async fn notice(app: &App, by: &Caller, noticed: Noticed) -> Result<Notice, Error> {
    let receipt = match noticed.version {
        Some(version) => receipt(app, by, version, RECEIPT_WITHIN).await?,
        None => None,
    };
    let (text, detail) = noticed.done.text();
    Ok(Notice { kind: noticed.done.kind(), text: text.to_owned(), detail: detail.map(str::to_owned), receipt })
}

/// A change's receipt; none if there was no such change, or it is not for the caller to see.
pub(super) async fn receipt(app: &App, by: &Caller, version: u64, wait: Duration) -> Result<Option<Receipt>, Error> {
    match receipts::receipt(app, by, version, wait).await {
        Ok(receipt) => Ok(Some(line(receipt))),
        Err(Error::NotFound(_) | Error::Forbidden(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A receipt in one line.
pub(super) fn line(receipt: portcullis_api::receipts::Receipt) -> Receipt {
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Receipt {
        version: receipt.version,
        edges: count(receipt.edges),
        enforced: count(receipt.enforced),
        complete: receipt.complete,
        text: receipt.text,
    }
}

fn can(app: &App, by: &Caller) -> Can {
    let has = |permission| by.permissions.has(permission);
    Can {
        keys_write: has(KeysWrite),
        secrets_read: has(SecretsRead),
        secrets_write: has(SecretsWrite),
        skills_read: has(SkillsRead),
        skills_write: has(SkillsWrite),
        members_read: has(MembersRead),
        members_write: has(MembersWrite),
        tokens_write: has(TokensWrite),
        audit_read: has(AuditRead),
        policy_read: has(PolicyRead),
        policy_write: has(PolicyWrite),
        edges_read: has(EdgesRead),
        organizations_write: has(OrganizationsWrite),
        operate: by.require_operator(app).is_ok(),
    }
}
