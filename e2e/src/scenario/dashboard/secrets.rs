//! Secrets in the page: the browser seals a value before it sends it, and nothing of it arrives or is kept.
//!
//! What is sent is asked of the browser itself (`formdata`); what is kept is looked for in the control plane's folder. Then a
//! skill that uses the secret, with another that is missing, published and offered to others.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portcullis_seal::PrivateKey;
use serde_json::{Value, json};

use super::{Visit, look};
use crate::browser::By;
use crate::http::{self, Request};
use crate::report::Report;
use crate::stack::{Stack, new_key};

const VALUE: &str = "Grüße an das Fallgitter 7719";
const OTHER: &str = "ein anderer Wert 4402";
const UNSEALED: &str = "nicht versiegelt 9135";
/// Keeps what a form sends, beyond the page that sends it.
const LISTEN: &str = "document.addEventListener('formdata', event =>
    sessionStorage.setItem('sent', JSON.stringify([...event.formData])))";
const SERVICE: &str = "\n[[services]]\nname = \"weather\"\nhost = \"api.weather.example\"\nreferences = [\"weather_api_key\", \"weather_region\"]\n
[[rules]]\npath = \"/services/weather/**\"\nservice = \"weather\"\nall = [\"skills:read\"]\n";

pub(super) async fn run(visit: &Visit, stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    let key = new_key()?;
    edge_key(visit, &key, report).await?;
    let folder = stack.control_data();
    sealed(visit, &key, &folder, report).await?;
    replaced(visit, &key, &folder, report).await?;
    asked_first(visit, report).await?;
    skill(visit, report).await?;
    warned(visit, stack, report).await
}

/// An edge tells that it has no key, while there are secrets.
async fn warned(visit: &Visit, stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
    let control = stack.control()?;
    let told = json!({ "edge": "edge-2", "vm": "0", "applied_version": 0, "edge_keys": [] });
    let told = Request::new("POST", "/edge/v1/report").bearer(&stack.secret("edge-token")?).json(&told);
    report.equal("an edge without a key reports", http::once(control.address, &told).await?.status, 204);
    visit.goto("/edges").await?;
    let warnings = visit.browser.text(By::Test("edge-key-warnings")).await?;
    report.check("the page warns of a key that no edge has", warnings.contains("No edge has the private half of"));
    report.check("and of the edge that has none", warnings.contains("The edge edge-2 has no key"));
    look::at(&visit.browser, "edges-without-key", report).await
}

async fn edge_key(visit: &Visit, key: &PrivateKey, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    visit.goto("/secrets/new").await?;
    report.check("without keys of the edges nothing can be entered", browser.is_shown(By::Test("no-edge-keys")).await?);
    look::at(browser, "secret-new-without-keys", report).await?;
    visit.goto("/edges").await?;
    browser.fill(By::Test("public-key"), &key.public().to_string()).await?;
    browser.click(By::Test("add-edge-key")).await?;
    let shown = browser.text(By::Test("edge-key")).await?;
    report.equal("a public key is added in the page", shown, key.public().to_string());
    Ok(())
}

/// What the form that is sent next sends, by the names of its fields.
async fn sent(visit: &Visit, by: By<'_>) -> anyhow::Result<Vec<(String, String)>> {
    visit.browser.run(LISTEN, Vec::new()).await?;
    visit.browser.click(by).await?;
    visit.browser.find(By::Test("notice")).await?;
    let text = visit.browser.run("return sessionStorage.getItem('sent')", Vec::new()).await?;
    Ok(serde_json::from_str(text.as_str().context("nothing was sent")?)?)
}

fn field<'a>(sent: &'a [(String, String)], name: &str) -> Option<&'a str> {
    sent.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
}

/// The box for a key among what was sent.
fn boxed(sent: &[(String, String)], key: &PrivateKey) -> anyhow::Result<Vec<u8>> {
    let boxes: Value = serde_json::from_str(field(sent, "sealed").context("nothing sealed was sent")?)?;
    let text = boxes[key.public().name().to_string()].as_str().context("nothing is sealed to the key")?;
    Ok(BASE64_STANDARD.decode(text)?)
}

/// Holds what was sent against what was typed and what is kept.
fn judge(
    sent: &[(String, String)],
    key: &PrivateKey,
    folder: &Path,
    typed: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.check(format!("nothing plain is sent of {typed}"), field(sent, "value").is_none());
    report.check("in no field", sent.iter().all(|(_, value)| !value.contains(typed)));
    let boxed = boxed(sent, key)?;
    let opened = key.open(&boxed).context("the box does not open")?;
    let value = opened.splitn(3, |byte| *byte == 0).nth(2);
    report.check("what the browser sealed opens with the private key", value == Some(typed.as_bytes()));
    report.check("and says whose it is", opened.starts_with(b"org_"));
    report.check("and is what the control plane keeps", kept(folder, &boxed)?);
    report.check("which keeps nothing plain", !kept(folder, typed.as_bytes())?);
    Ok(())
}

/// Whether a file of the control plane holds these bytes.
fn kept(folder: &Path, bytes: &[u8]) -> anyhow::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let found = match path.is_dir() {
            true => kept(&path, bytes)?,
            false => std::fs::read(&path)?.windows(bytes.len()).any(|it| it == bytes),
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn sealed(visit: &Visit, key: &PrivateKey, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    visit.goto("/secrets").await?;
    look::at(browser, "secrets-empty", report).await?;
    visit.goto("/secrets/new?name=weather_api_key").await?;
    browser.fill(By::Test("value"), VALUE).await?;
    browser.fill(By::Test("description"), &format!("it is {VALUE}")).await?;
    browser.click(By::Test("enter")).await?;
    report.equal(
        "a value in its description is sent nowhere",
        browser.value(By::Test("value")).await?,
        VALUE.to_owned(),
    );
    browser.fill(By::Test("description"), "api.weather.example, renewed each January").await?;
    browser.click(By::Test("team")).await?;
    let sent = sent(visit, By::Test("enter")).await?;
    judge(&sent, key, folder, VALUE, report)?;
    let page = browser.page_text().await?;
    report.check("the secret's page does not show it", page.contains("weather_api_key") && !page.contains(VALUE));
    look::at(browser, "secret", report).await
}

async fn replaced(visit: &Visit, key: &PrivateKey, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    visit.browser.fill(By::Test("value"), OTHER).await?;
    let sent = sent(visit, By::Test("replace")).await?;
    judge(&sent, key, folder, OTHER, report)?;
    report.equal("replaced, it is as new", visit.browser.text(By::Test("revision")).await?, "2 times".to_owned());
    Ok(())
}

/// A browser that cannot seal sends nothing until it is told to.
async fn asked_first(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    visit.goto("/secrets/new?name=unsealed").await?;
    browser.run("nacl.box = null", Vec::new()).await?;
    browser.fill(By::Test("value"), UNSEALED).await?;
    browser.click(By::Test("enter")).await?;
    browser.find(By::Test("seal-failed")).await?;
    let here = browser.location().await?;
    report.check("a browser that cannot seal says so, and sends nothing", here.starts_with("/secrets/new"));
    look::at(browser, "secret-not-sealed", report).await?;
    let sent = sent(visit, By::Test("unsealed")).await?;
    let plain = field(&sent, "value") == Some(UNSEALED) && field(&sent, "sealed").is_none();
    report.check("told to, it lets the server seal", plain);
    Ok(())
}

async fn skill(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    visit.goto("/policy/edit").await?;
    let text = browser.value(By::Test("policy-toml")).await?;
    browser.fill(By::Test("policy-toml"), &(text + SERVICE)).await?;
    browser.click(By::Test("preview")).await?;
    browser.click(By::Test("publish")).await?;
    browser.find(By::Test("notice")).await?;
    visit.goto("/skills/new").await?;
    browser.fill(By::Test("name"), "weather-report").await?;
    browser.fill(By::Test("services"), "weather: weather_api_key, weather_region").await?;
    browser.click(By::Test("team")).await?;
    look::at(browser, "skill-new-filled", report).await?;
    browser.click(By::Test("create")).await?;
    let text = browser.text(By::Test("link")).await?;
    report.check("its page tells what is missing", text.contains("Missing") && text.contains("weather_region"));
    browser.click(By::Test("publish")).await?;
    browser.find(By::Test("unpublish")).await?;
    look::at(browser, "skill", report).await?;
    browser.click(By::Test("enter-weather_region")).await?;
    report.equal("and leads to its form", browser.value(By::Test("name")).await?, "weather_region".to_owned());
    visit.goto("/skills/published").await?;
    browser.click(By::Test("install")).await?;
    look::at(browser, "skill-install", report).await
}

/// In a browser without scripts the server seals, and the same page comes of it.
pub(super) async fn without_scripts(visit: &Visit, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    visit.goto("/secrets/new?name=without_scripts").await?;
    browser.fill(By::Test("value"), UNSEALED).await?;
    browser.click(By::Test("enter")).await?;
    let notice = browser.text(By::Test("notice")).await?;
    report.check("without scripts the server seals", notice.contains("The secret was entered."));
    Ok(())
}
