//! Coming in: the owner's link, invitations, signing in, and a token of one's own.

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::control::Control;
use crate::report::Report;
use crate::stack::Stack;
use crate::visitor::{Page, Visitor};

const PASSWORD: &str = "correct horse battery staple";
const SCOPES: [&str; 17] = [
    "keys:read",
    "keys:write",
    "members:read",
    "members:write",
    "tokens:read",
    "tokens:write",
    "organizations:read",
    "organizations:write",
    "audit:read",
    "policy:read",
    "policy:write",
    "edges:read",
    "metrics:read",
    "secrets:read",
    "secrets:write",
    "skills:read",
    "skills:write",
];

/// Somebody who is signed in and has a token.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) role: &'static str,
    pub(super) email: String,
    pub(super) visitor: Visitor,
    /// The API, asked with a token of theirs.
    pub(super) api: Control,
}

/// The API's path of a member, found by address.
pub(super) async fn path_of(root: &Control, organization: &str, email: &str) -> anyhow::Result<String> {
    let all = format!("/v1/organizations/{organization}/members");
    let members = root.ok("GET", &all, None).await?;
    let members = members["data"].as_array().context("no members")?;
    let own = members.iter().find(|member| member["email"] == email).context("no such member")?;
    let id = own.get("user").or_else(|| own.get("id")).and_then(Value::as_str).context("a member without an id")?;
    Ok(format!("{all}/{id}"))
}

/// Makes the first owner by the link that is printed once.
pub(super) async fn first_owner(stack: &Stack, report: &mut Report) -> anyhow::Result<Person> {
    let root = stack.control()?;
    let link = stack.owner_path()?;
    let mut visitor = Visitor::new(root.address);
    let email = "operator@portcullis.example";
    let page = visitor.get(&link).await?;
    report.equal("the owner's link opens", page.status, 200);
    let fields = [("name", "Olga Operator"), ("email", email), ("organization", "Portcullis"), ("password", PASSWORD)];
    let page = visitor.submit(&page, &link, &fields).await?;
    report.check(format!("the first owner is signed in: {}", page.gist()), visitor.has_session());
    let again = Visitor::new(root.address).get(&link).await?;
    report.check(format!("the link works once: {}", again.status), again.status >= 400);
    let api = token(&mut visitor, &root, &SCOPES).await?;
    Ok(Person { role: "owner", email: email.to_owned(), visitor, api })
}

/// Invites somebody, who accepts and signs in.
pub(super) async fn member(
    root: &Control,
    organization: &str,
    role: &'static str,
    report: &mut Report,
) -> anyhow::Result<Person> {
    let email = format!("{role}@{}.example", organization.replace('_', "-"));
    let path = format!("/v1/organizations/{organization}/invitations");
    let invitation = root.ok("POST", &path, Some(&json!({ "role": role, "email": email }))).await?;
    let url = invitation["url"].as_str().context("an invitation without its link")?;
    let link = url.find("/invitations/").and_then(|at| url.get(at..)).context("a link to elsewhere")?;
    let mut first = Visitor::new(root.address);
    let page = first.get(link).await?;
    report.equal(format!("{role}: the invitation opens"), page.status, 200);
    let page = first.submit(&page, link, &[("name", role), ("email", &email), ("password", PASSWORD)]).await?;
    report.check(format!("{role}: has joined: {}", page.gist()), page.status == 200);
    let again = Visitor::new(root.address).get(link).await?;
    report.check(format!("{role}: the invitation works once: {}", again.status), again.status >= 400);
    let (mut visitor, page) = sign_in(root, &email, PASSWORD).await?;
    report.check(format!("{role}: signs in: {}", page.gist()), visitor.has_session() && page.status == 200);
    // A viewer can make no token, but keeps one from better days.
    let own = path_of(root, organization, &email).await?;
    if role == "viewer" {
        root.ok("PATCH", &own, Some(&json!({ "role": "member" }))).await?;
    }
    let api = token(&mut visitor, root, &SCOPES).await?;
    if role == "viewer" {
        root.ok("PATCH", &own, Some(&json!({ "role": role }))).await?;
    }
    Ok(Person { role, email, visitor, api })
}

/// Through the page, as a person does.
pub(super) async fn sign_in(root: &Control, email: &str, password: &str) -> anyhow::Result<(Visitor, Page)> {
    let mut visitor = Visitor::new(root.address);
    let page = visitor.get("/sign-in").await?;
    let page = visitor.submit(&page, "/sign-in", &[("email", email), ("password", password)]).await?;
    Ok((visitor, page))
}

/// A personal token with as many of these scopes as the page offers.
async fn token(visitor: &mut Visitor, root: &Control, scopes: &[&str]) -> anyhow::Result<Control> {
    let page = visitor.get("/settings").await?;
    let offered = scopes.iter().filter(|scope| page.text.contains(&format!("value=\"{scope}\"")));
    let mut fields = vec![("token_name", "mine"), ("kind", "personal")];
    fields.extend(offered.map(|scope| ("scopes", *scope)));
    let page = visitor.submit(&page, "/settings/tokens", &fields).await?;
    let token = page.word("pct_").with_context(|| format!("no token on the page: {}", page.gist()))?;
    Ok(root.with_token(&token))
}
