//! `oauth`: somebody allows an app in a real Chromium; the app's tokens work through Envoy until they are taken back.
//!
//! The app is a callback on loopback that this process answers. Invariant: what the app holds is refused by its exact code
//! as soon as it is no good any more.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::dashboard::{Visit, look};
use super::lifecycle::Edge;
use crate::browser::{Browser, By, Scheme, Scripts, Size};
use crate::oauth::part;
use crate::report::Report;
use crate::stack::{Setup, Stack};
use crate::tools;

mod app;
mod family;

use app::App;

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let stack = Stack::start(Setup::policy(tools::root()?.join("e2e/policies/tokens.toml"))?).await?;
    let edge = Edge::new(&stack)?;
    let home = format!("http://{}", edge.control.address);
    let visit = Visit { browser: Browser::start(Scripts::On).await?, home };
    // On a narrow screen what ends the session is in a menu.
    visit.browser.look(Size::DESK, Scheme::Light).await?;
    visit.goto(&stack.owner_path()?).await?;
    visit.become_owner().await?;
    let app = App::register(&edge.control).await?;
    pages(&visit, report).await?;
    denied(&visit, &app, report).await?;
    let code = allowed(&visit, &app, report).await?;
    family::run(&edge, &app, &code, report).await?;
    signed_out(&visit, &edge, &app, report).await?;
    taken_back(&visit, &edge, &app, report).await?;
    visit.browser.stop().await
}

/// The pages about it, at every width.
async fn pages(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    for (path, name) in [("/apps", "apps"), ("/grants", "grants"), ("/signing-keys", "signing-keys")] {
        visit.goto(path).await?;
        look::at(&visit.browser, name, report).await?;
    }
    Ok(())
}

async fn denied(visit: &Visit, app: &App, report: &mut Report) -> anyhow::Result<()> {
    visit.goto(&app.ask("skills:read skills:write", "no")).await?;
    look::at(&visit.browser, "consent", report).await?;
    let text = visit.browser.text(By::Test("consent")).await?;
    report.check("the page says who asks", text.contains("Reader") && text.contains("this machine"));
    report.check("and for what, in words", text.contains("Read skills") && text.contains("skills:write"));
    visit.browser.click(By::Test("deny")).await?;
    let answer = app.answer("no").await?;
    report.equal("denied, the app is told so", text_of(&answer, "error"), "access_denied".to_owned());
    Ok(())
}

/// All that it asks for but one scope; its code.
async fn allowed(visit: &Visit, app: &App, report: &mut Report) -> anyhow::Result<String> {
    visit.goto(&app.ask("skills:read skills:write agents:read", "yes")).await?;
    visit.browser.click(By::Test("scope-skills:write")).await?;
    visit.browser.click(By::Test("allow")).await?;
    let answer = app.answer("yes").await?;
    report.equal("the answer says who gives it", text_of(&answer, "iss"), visit.home.clone());
    let code = answer["code"].as_str().context("no code")?;
    Ok(code.to_owned())
}

/// Who is not signed in does so on the way.
async fn signed_out(visit: &Visit, edge: &Edge<'_>, app: &App, report: &mut Report) -> anyhow::Result<()> {
    visit.goto("/settings").await?;
    visit.browser.click(By::Test("sign-out")).await?;
    visit.browser.wait_at("/sign-in").await?;
    visit.goto(&app.ask("skills:read", "later")).await?;
    visit.fill_in_password().await?;
    visit.browser.click(By::Test("allow")).await?;
    let answer = app.answer("later").await?;
    let tokens = app.redeem(edge, answer["code"].as_str().context("no code")?).await?;
    report.equal("signed in on the way, it is allowed", tokens.status, 200);
    Ok(())
}

/// The revoke button counts for tokens that are out.
async fn taken_back(visit: &Visit, edge: &Edge<'_>, app: &App, report: &mut Report) -> anyhow::Result<()> {
    visit.goto(&app.ask("skills:read", "last")).await?;
    visit.browser.click(By::Test("allow")).await?;
    let code = app.answer("last").await?["code"].as_str().context("no code")?.to_owned();
    let tokens = app.redeem(edge, &code).await?.json();
    let access = app::bearer(&tokens)?;
    edge.expect(report, "the last grant works", &app::get(&access), "200 live").await;
    visit.goto("/grants").await?;
    look::at(&visit.browser, "grants-given", report).await?;
    // Which of two grants of one second stands first is left open.
    let grant = text_of(&part(&access.text, 1)?, "grant");
    visit.browser.click(By::Css(&format!("a[href='/grants/{grant}/revoke']"))).await?;
    visit.browser.click(By::Test("confirm")).await?;
    edge.expect(report, "revoked on the page, it does not", &app::get(&access), "401 invalid_token").await;
    let refresh = text_of(&tokens, "refresh_token");
    let refused = app.refresh(edge, &refresh).await?;
    report.equal("nor is it renewed", text_of(&refused.json(), "error"), "invalid_grant".to_owned());
    Ok(())
}

fn text_of(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// What an app is registered with.
fn registration(redirect_uri: &str) -> Value {
    json!({
        "name": "Reader",
        "redirect_uris": [redirect_uri],
        "scopes": ["skills:read", "skills:write", "agents:read"],
        "environments": ["production"],
        "public": true,
    })
}
