//! A real Chromium without a window, driven through chromedriver.
//!
//! It sees only this machine: every name but a loopback address is unknown to it. Waiting means asking until a deadline.
//! Invariant: a dropped [`Browser`] has ended, its driver too, and its profile is gone.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, test_kill_process};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::http::{self, Request};
use crate::ports::{self, local};
use crate::process::Process;
use crate::{tools, wait};

mod axe;
mod find;
mod look;
#[cfg(test)]
mod tests;

pub(crate) use find::By;
pub(crate) use look::{Scheme, Size};

const START: Duration = Duration::from_secs(60);
/// How long a page may take to show what is waited for.
const SOON: Duration = Duration::from_secs(10);
/// What the browser is started with: no window, nothing of its own to say to anybody.
const FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}

/// A browser with one page. Fields drop in order: the profile goes last.
#[derive(Debug)]
pub(crate) struct Browser {
    client: Client,
    session: String,
    port: u16,
    /// The browser's own process, which the driver started.
    pid: Pid,
    /// With the browser and its helpers, which would otherwise write to the profile while it goes.
    _driver: Process,
    _profile: TempDir,
}

impl Browser {
    /// Starts one with an empty profile.
    pub(crate) async fn start(scripts: Scripts) -> anyhow::Result<Self> {
        let profile = tempfile::Builder::new().prefix("portcullis-browser-").tempdir()?;
        let port = ports::free()?;
        let driver = start_driver(port, &profile.path().join("driver.log")).await?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut builder = ClientBuilder::new(connector);
        builder.capabilities(capabilities(profile.path(), scripts)?);
        let client = builder.connect(&format!("http://{}", local(port))).await;
        let client = client.with_context(|| format!("no browser; the driver says:\n{}", driver.log_tail()))?;
        let session = client.session_id().await?.context("a browser without a session")?;
        let pid = client.capabilities().and_then(|it| it.get("goog:processID")?.as_i64());
        let pid = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)).context("a browser without a process")?;
        Ok(Self { client, session, port, pid, _driver: driver, _profile: profile })
    }

    /// Goes to a page and waits until it is loaded.
    pub(crate) async fn goto(&self, url: &str) -> anyhow::Result<()> {
        self.client.goto(url).await.with_context(|| url.to_owned())
    }

    /// Where it is: path and query.
    pub(crate) async fn location(&self) -> anyhow::Result<String> {
        let url = self.client.current_url().await?;
        Ok(url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())))
    }

    /// All that a reader sees of the page.
    pub(crate) async fn page_text(&self) -> anyhow::Result<String> {
        let text = self.run("return document.body ? document.body.innerText : ''", Vec::new()).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// What a script returns. It runs even where the page's own may not.
    pub(crate) async fn run(&self, script: &str, args: Vec<Value>) -> anyhow::Result<Value> {
        Ok(self.client.execute(script, args).await?)
    }

    /// What was copied last on the page that is shown.
    pub(crate) async fn clipboard(&self) -> anyhow::Result<String> {
        let origin = self.run("return location.origin", Vec::new()).await?;
        let permissions = json!({ "origin": origin, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        self.devtools("Browser.grantPermissions", permissions).await?;
        let read = "const done = arguments[arguments.length - 1];
                    navigator.clipboard.readText().then(text => done({ text }), error => done({ error: String(error) }))";
        let answer = self.client.execute_async(read, Vec::new()).await?;
        let text = answer["text"].as_str().map(str::to_owned);
        text.with_context(|| format!("the clipboard cannot be read: {}", answer["error"]))
    }

    /// Ends the browser and the driver, the polite way.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.client.clone().close().await?;
        wait::until("the browser's end", SOON, async || Ok(self.is_gone())).await
    }

    fn is_gone(&self) -> Option<()> {
        test_kill_process(self.pid).is_err().then_some(())
    }

    /// A command of Chrome's DevTools protocol.
    async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        let path = format!("/session/{}/goog/cdp/execute", self.session);
        let request = driver_request(self.port, "POST", &path).json(&json!({ "cmd": command, "params": parameters }));
        let answer = http::once(local(self.port), &request).await.with_context(|| command.to_owned())?;
        let body = answer.json();
        anyhow::ensure!(answer.status == 200, "{command}: {}", body["value"]["message"]);
        Ok(body["value"].clone())
    }
}

async fn start_driver(port: u16, log: &Path) -> anyhow::Result<Process> {
    let mut driver = Process::spawn_group("chromedriver", &tools::chromedriver()?, &[format!("--port={port}")], log)?;
    wait::until("chromedriver's start", START, async || {
        driver.ensure_alive()?;
        let answer = http::once(local(port), &driver_request(port, "GET", "/status")).await;
        Ok(answer.ok().filter(|answer| answer.json()["value"]["ready"] == true))
    })
    .await?;
    Ok(driver)
}

/// The driver listens only to those who know it by its address.
fn driver_request(port: u16, method: &str, path: &str) -> Request {
    Request::new(method, path).header("host", local(port).to_string())
}

fn capabilities(profile: &Path, scripts: Scripts) -> anyhow::Result<Map<String, Value>> {
    let folder = format!("--user-data-dir={}", profile.join("profile").display());
    let flags: Vec<&str> = FLAGS.into_iter().chain([folder.as_str()]).collect();
    let mut preferences = json!({ "credentials_enable_service": false });
    if scripts == Scripts::Off {
        preferences["profile.managed_default_content_settings.javascript"] = json!(2);
    }
    let options = json!({ "binary": tools::chromium()?, "args": flags, "prefs": preferences });
    let all = json!({ "browserName": "chrome", "goog:chromeOptions": options });
    all.as_object().cloned().context("capabilities are an object")
}
