//! An app that acts for a person: they are asked, the code is redeemed, the token refreshed, asked about and given back.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{Client, text};
use crate::report::Report;
use crate::stack::Stack;
use crate::visitor::{Page, Visitor};

const CALLBACK: &str = "http://127.0.0.1/callback";
const ALLOWED: &str = "documents:read";
const DOCUMENTS: &str = "/v1/documents/7";

pub(super) async fn run(stack: &Stack, client: &mut Client, report: &mut Report) -> anyhow::Result<()> {
    let mut visitor = person(stack).await?;
    for public in [false, true] {
        let app = app(stack, public).await?;
        report.check(format!("an app, public: {public}"), app["secret"].is_string() != public);
        let redirect = allow(client, &mut visitor, &app).await?;
        let got = client.ok(json!({ "do": "redeem", "redirect": redirect })).await?;
        report.check("the code is redeemed, for more than once", got["refreshable"] == true);
        let again = client.error(json!({ "do": "redeem", "redirect": redirect, "name": "again" })).await?;
        report.equal("the same code again", again, "invalid_grant".to_owned());
        // A code that is shown twice may have been stolen: what it was redeemed for is over.
        let redirect = allow(client, &mut visitor, &app).await?;
        client.ok(json!({ "do": "redeem", "redirect": redirect })).await?;
        tokens(client, &app, report).await?;
    }
    Ok(())
}

/// What a token is good for, until it is given back.
async fn tokens(client: &mut Client, app: &Value, report: &mut Report) -> anyhow::Result<()> {
    let claims = client.claims("user").await?;
    let is_theirs = claims["client_id"] == app["id"] && claims["sub"].as_str().is_some_and(|it| it.starts_with("usr_"));
    report.check(format!("its token is verified: {}", claims["sub"]), is_theirs && claims["scope"] == ALLOWED);
    let answer = client.call("user", DOCUMENTS, 200).await?;
    report.equal("the edge takes it", answer["status"].to_string(), "200".to_owned());
    let next = client.ok(json!({ "do": "refresh", "to": "next" })).await?;
    report.check("it is refreshed, and the refresh token with it", next["rotated"] == true);
    let answer = client.call("next", DOCUMENTS, 200).await?;
    report.equal("the edge takes the next", answer["status"].to_string(), "200".to_owned());
    if let Some(secret) = app["secret"].as_str() {
        let said = introspected(client, app, secret).await?;
        report.check("introspection: it works", said["active"] == true && said["scope"] == ALLOWED);
    }
    let given_back = client.ok(json!({ "do": "revoke", "name": "next" })).await?;
    report.equal("it is given back", given_back["status"].to_string(), "200".to_owned());
    let refused = client.error(json!({ "do": "refresh", "name": "next", "to": "none" })).await?;
    report.equal("and refreshed no more", refused, "invalid_grant".to_owned());
    let answer = client.call("next", DOCUMENTS, 401).await?;
    report.equal("the edge refuses it", answer["status"].to_string(), "401".to_owned());
    if let Some(secret) = app["secret"].as_str() {
        let said = introspected(client, app, secret).await?;
        report.equal("introspection", said.to_string(), json!({ "active": false }).to_string());
    }
    Ok(())
}

async fn introspected(client: &mut Client, app: &Value, secret: &str) -> anyhow::Result<Value> {
    let order = json!({ "do": "introspect", "name": "next", "client_id": app["id"], "client_secret": secret });
    Ok(client.ok(order).await?["said"].clone())
}

/// Somebody who is signed in: the first owner.
async fn person(stack: &Stack) -> anyhow::Result<Visitor> {
    let mut visitor = Visitor::new(stack.control()?.address);
    let link = stack.owner_path()?;
    let page = visitor.get(&link).await?;
    let fields = [
        ("name", "Olga Operator"),
        ("email", "operator@portcullis.example"),
        ("organization", "Portcullis"),
        ("password", "correct horse battery staple"),
    ];
    let page = visitor.submit(&page, &link, &fields).await?;
    anyhow::ensure!(visitor.has_session(), "the owner is not signed in: {}", page.gist());
    Ok(visitor)
}

async fn app(stack: &Stack, public: bool) -> anyhow::Result<Value> {
    let scopes = [ALLOWED, "indexes:read"];
    let body = json!({ "name": "Reader", "redirect_uris": [CALLBACK], "scopes": scopes, "public": public });
    stack.control()?.ok("POST", "/v1/apps", Some(&body)).await
}

/// Sends the person where the client says, who allows it one of two scopes; where they are sent back to.
async fn allow(client: &mut Client, visitor: &mut Visitor, app: &Value) -> anyhow::Result<String> {
    let order = json!({
        "do": "authorize", "client_id": app["id"], "client_secret": app["secret"],
        "redirect_uri": CALLBACK, "scope": format!("{ALLOWED} indexes:read"),
    });
    let url = text(&client.ok(order).await?, "url")?;
    let path = url.find("/oauth/authorize").and_then(|at| url.get(at..)).context("no authorisation endpoint")?;
    let page = visitor.get(path).await?;
    let choice = [("allowed", ALLOWED), ("environment", "production"), ("decision", "allow")];
    let Page { path, .. } = visitor.submit(&page, "/oauth/authorize", &choice).await?;
    anyhow::ensure!(path.starts_with(CALLBACK), "the consent page leads to {path}");
    Ok(path)
}
