//! A code becomes tokens once, a refresh token the next ones once; whoever comes again ends them all.

use serde_json::json;

use super::app::{App, bearer, get};
use super::text_of;
use crate::oauth::part;
use crate::report::Report;
use crate::scenario::lifecycle::Edge;

pub(super) async fn run(edge: &Edge<'_>, app: &App, code: &str, report: &mut Report) -> anyhow::Result<()> {
    let wrong = app.redeem_with(edge, code, "another-verifier-that-is-long-enough-for-the-rfc").await?;
    report.equal("a code without its verifier", text_of(&wrong.json(), "error"), "invalid_grant".to_owned());
    let answer = app.redeem(edge, code).await?;
    let first = answer.json();
    report.equal("the code is redeemed", answer.status, 200);
    report.equal("for what was ticked", first["scope"].to_string(), json!("agents:read skills:read").to_string());
    let access = bearer(&first)?;
    let claims = part(&access.text, 1)?;
    report.check("the token is a person's", text_of(&claims, "sub").starts_with("usr_"));
    report.equal("got by the app", text_of(&claims, "client_id"), app.id.clone());
    edge.expect(report, "it works", &get(&access), "200 live").await;
    let write = crate::http::Request::new("POST", "/api/v1/skills").bearer(&access.text);
    edge.expect(report, "for no more than that", &write, "403 insufficient_scope").await;
    let renewed = app.refresh(edge, &text_of(&first, "refresh_token")).await?;
    let second = renewed.json();
    report.equal("it is renewed", renewed.status, 200);
    report.check("with another refresh token", second["refresh_token"] != first["refresh_token"]);
    let renewed = bearer(&second)?;
    edge.expect(report, "the new token works", &get(&renewed), "200 live").await;
    let again = app.refresh(edge, &text_of(&first, "refresh_token")).await?;
    report.equal("the old refresh token again", text_of(&again.json(), "error"), "invalid_grant".to_owned());
    edge.expect(report, "ends the new access token", &get(&renewed), "401 invalid_token").await;
    edge.expect(report, "and the first one", &get(&access), "401 invalid_token").await;
    let dead = app.refresh(edge, &text_of(&second, "refresh_token")).await?;
    report.equal("and the new refresh token", text_of(&dead.json(), "error"), "invalid_grant".to_owned());
    Ok(())
}
