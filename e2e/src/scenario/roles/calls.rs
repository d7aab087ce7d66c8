//! A handful of calls, and who may make them.

use serde_json::{Value, json};

use super::people::Person;
use crate::control::Control;
use crate::report::Report;

/// What an organisation has.
pub(super) struct Home {
    organization: String,
    key: String,
    policy: Value,
}

impl Home {
    pub(super) async fn furnish(root: &Control, organization: &str) -> anyhow::Result<Self> {
        let body = json!({ "name": "of acme", "environment": "production", "organization": organization });
        let key = root.create(&body).await?;
        let policy = root.ok("GET", "/v1/policy", None).await?["toml"].clone();
        Ok(Self { organization: organization.to_owned(), key: key.id, policy })
    }
}

/// A call, and the lowest role that may make it; `None` = nobody but the operator.
struct Call {
    method: &'static str,
    path: String,
    body: Option<Value>,
    lowest: Option<&'static str>,
    /// What those who may get.
    status: u16,
}

fn calls(home: &Home) -> Vec<Call> {
    let Home { organization, key, policy } = home;
    let call = |method, path: String, body, lowest, status| Call { method, path, body, lowest, status };
    let new = json!({ "name": "new", "environment": "production" });
    let invitation = json!({ "role": "viewer", "email": "new@example.com" });
    vec![
        call("GET", "/v1/keys".to_owned(), None, Some("viewer"), 200),
        call("GET", format!("/v1/keys/{key}"), None, Some("viewer"), 200),
        call("POST", "/v1/keys".to_owned(), Some(new), Some("member"), 201),
        call("PATCH", format!("/v1/keys/{key}"), Some(json!({ "name": "renamed" })), Some("member"), 200),
        call("GET", format!("/v1/organizations/{organization}/members"), None, Some("viewer"), 200),
        call("POST", format!("/v1/organizations/{organization}/invitations"), Some(invitation), Some("admin"), 201),
        call("GET", "/v1/audit".to_owned(), None, Some("admin"), 200),
        call("POST", "/v1/policy".to_owned(), Some(json!({ "toml": policy })), None, 201),
        call("GET", "/v1/edges".to_owned(), None, None, 200),
        call("GET", "/metrics".to_owned(), None, None, 200),
    ]
}

/// Every call as a member of the organisation.
pub(super) async fn at_home(member: &Person, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    let rank = |role: &str| super::ROLES.iter().position(|it| *it == role);
    for Call { method, path, body, lowest, status } in calls(home) {
        let may = lowest.is_some_and(|lowest| rank(member.role) <= rank(lowest));
        let answer = member.api.call(method, &path, body.as_ref()).await?;
        let what = format!("{}: {method} {path}", member.role);
        if may {
            report.equal(what, answer.status, status);
        } else {
            report.equal(what, answer.gist(), "403 forbidden".to_owned());
        }
    }
    let mut visitor = member.visitor.clone();
    let own = visitor.get("/keys").await?;
    report.check(format!("{}: sees the organisation's key in the page", member.role), own.text.contains(&home.key));
    let bare = member.visitor.without("portcullis_session").get("/keys").await?;
    report.equal(format!("{}: without the session is asked to sign in", member.role), bare.path, sign_in("/keys"));
    Ok(())
}

/// Somebody else's rows are not there, in lists, by id and in pages.
pub(super) async fn as_stranger(stranger: &Person, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    let Home { organization, key, .. } = home;
    let rename = json!({ "name": "mine now" });
    for (method, path, body) in [
        ("GET", format!("/v1/keys/{key}"), None),
        ("PATCH", format!("/v1/keys/{key}"), Some(&rename)),
        ("DELETE", format!("/v1/keys/{key}"), None),
        ("POST", format!("/v1/keys/{key}/rotate"), Some(&json!({ "overlap_seconds": 0 }))),
        ("GET", format!("/v1/organizations/{organization}"), None),
        ("GET", format!("/v1/organizations/{organization}/members"), None),
        (
            "POST",
            format!("/v1/organizations/{organization}/invitations"),
            Some(&json!({ "role": "owner", "email": "new@example.com" })),
        ),
    ] {
        let answer = stranger.api.call(method, &path, body).await?;
        report.equal(format!("a stranger: {method} {path}"), answer.gist(), "404 not_found".to_owned());
    }
    let listed = stranger.api.ok("GET", "/v1/keys", None).await?.to_string();
    report.check("a stranger's list has no key of theirs", !listed.contains(key.as_str()));
    let page = stranger.visitor.clone().get(&format!("/keys/{key}")).await?;
    report.equal("a stranger's page of the key", page.status, 404);
    Ok(())
}

/// The operator's owner does what the organisation's cannot.
pub(super) async fn as_operator(operator: &Person, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    for Call { method, path, body, lowest, status } in calls(home) {
        if lowest.is_none() {
            let answer = operator.api.call(method, &path, body.as_ref()).await?;
            report.equal(format!("the operator's owner: {method} {path}"), answer.status, status);
        }
    }
    Ok(())
}

fn sign_in(next: &str) -> String {
    // A slash needs no escape in a query (RFC 3986 §3.4).
    format!("/sign-in?next={next}")
}
