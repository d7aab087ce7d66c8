//! Boxes of ours that libsodium opens, and boxes of libsodium's that the edge opens.

use serde_json::json;

use super::home::Home;
use crate::driven::Driven;
use crate::http::Request;
use crate::report::Report;
use crate::stack::Stack;
use crate::{tools, wait};

const NAME: &str = "crm_token";

pub(super) async fn run(stack: &Stack, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    let script = tools::root()?.join("e2e/python/sealing.py");
    let mut libsodium = Driven::start(&tools::python()?, &script, &[], &stack.log("sealing.log"))?;
    let services = stack.services()?;
    let organization = super::home::organization(&home.control).await?;
    let values = ["eight ch", "a value with spaces, ümlauts and 日本", &"x".repeat(4096)];
    for value in values {
        let sealed = super::home::sealed(&home.control, NAME, value).await?;
        let sealed = sealed.as_object().and_then(|boxes| boxes.values().next()).cloned().unwrap_or_default();
        let order = json!({ "do": "open", "private_key": services.private_key(), "sealed": sealed });
        let opened = libsodium.ask(&order).await?;
        let text = format!("{organization}\0{NAME}\0{value}");
        report
            .check(format!("PyNaCl opens a box with a value of {} bytes", value.len()), opened["ok"] == text.as_str());
    }
    let value = "sealed-by-pynacl-1";
    stack.service()?.accept(value, "pynacl");
    let text = format!("{organization}\0{NAME}\0{value}");
    let order = json!({ "do": "seal", "public_key": services.public_key()?, "value": text });
    let sealed = libsodium.ask(&order).await?;
    let key =
        home.control.ok("GET", "/v1/edge-keys", None).await?["data"][0]["id"].as_str().unwrap_or_default().to_owned();
    let path = format!("/v1/secrets/{}/value", home.secret(NAME)?);
    home.control.ok("PUT", &path, Some(&json!({ "sealed": { key: sealed["ok"] } }))).await?;
    let request = Request::get("/services/crm/x").bearer(&home.key.text);
    let soon = std::time::Duration::from_secs(10);
    let used = wait::until("the value that PyNaCl sealed", soon, async || {
        Ok((stack.ask(&request).await?.json()["as"] == "pynacl").then_some(()))
    })
    .await;
    report.check("the edge opens a box of PyNaCl's", used.is_ok());
    Ok(())
}
