//! A whole stack on loopback: control plane, two upstreams, Envoy, each started and stopped on its own.
//!
//! What it runs is what ships: the `portcullis` command, the repository's `envoy.yaml`, the built module. Invariant:
//! a dropped [`Stack`] leaves no process; a temporary data folder goes with it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::control::{Control, Key};
use crate::demo;
use crate::http::{self, Connection, Request, Response};
use crate::ports::{Ports, local};
use crate::process::Process;
use crate::render::render;
use crate::tools::{self, Module};
use crate::upstream::{Arrivals, Running, Side};
use crate::{wait, workers};

mod edges;
mod folder;
mod services;
mod setup;

pub(crate) use folder::write_private;
use folder::{create_private, data_folder};
pub(crate) use services::{Services, new_key};
pub(crate) use setup::Setup;

/// How long a start may take.
pub(crate) const START: Duration = Duration::from_secs(30);
/// The control plane's word that it is there; what it has to say about a start comes before.
const LISTENING: &str = "portcullis listening on";

/// A stack. Fields drop in order: Envoy goes before what it talks to.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) setup: Setup,
    envoy: Option<Process>,
    control: Option<Process>,
    upstreams: Vec<Running>,
    /// What edges need for services, if the policy has some.
    services: Option<Services>,
    data: PathBuf,
    _temporary: Option<TempDir>,
}

impl Stack {
    /// Prepares the data folder; starts nothing.
    pub(crate) fn new(setup: Setup) -> anyhow::Result<Self> {
        let (data, temporary) = data_folder(setup.data.as_deref())?;
        create_private(&data)?;
        Ok(Self {
            setup,
            envoy: None,
            control: None,
            upstreams: Vec::new(),
            services: None,
            data,
            _temporary: temporary,
        })
    }

    /// Starts everything and waits until every worker enforces.
    pub(crate) async fn start(setup: Setup) -> anyhow::Result<Self> {
        let mut stack = Self::new(setup)?;
        stack.start_control().await?;
        stack.start_upstreams().await?;
        stack.start_envoy().await?;
        stack.wait_enforcing().await?;
        Ok(stack)
    }

    /// As [`Self::start_control`], with that policy.
    pub(crate) async fn start_control_with(&mut self, policy: &str) -> anyhow::Result<()> {
        self.setup.policy = self.log("policy.toml");
        std::fs::write(&self.setup.policy, policy)?;
        self.start_control().await
    }

    /// Starts the control plane and waits until its first bundle is built.
    pub(crate) async fn start_control(&mut self) -> anyhow::Result<()> {
        let address = local(self.setup.ports.control);
        let process = self.spawn_control()?;
        wait::until("the control plane's start", START, async || {
            process.ensure_alive()?;
            Ok(http::once(address, &Request::get("/readyz")).await.ok().filter(|it| it.status == 200))
        })
        .await?;
        Ok(())
    }

    /// Starts the control plane and waits for nothing.
    pub(crate) fn spawn_control(&mut self) -> anyhow::Result<&mut Process> {
        let listen = local(self.setup.ports.control).to_string();
        let (data, policy) = (text(&self.control_data()), text(&self.setup.policy));
        let mut args = ["serve", "--data", &data, "--listen", &listen, "--policy", &policy].map(str::to_owned).to_vec();
        args.extend(["--gateway-url".to_owned(), format!("http://{}", local(self.setup.ports.edge))]);
        args.extend(self.setup.serve.iter().map(|&it| it.to_owned()));
        if let Some(url) = &self.setup.database {
            // Not on the command line, which others can see.
            let file = self.log("database-url");
            write_private(&file, url)?;
            args.extend(["--database-url-file".to_owned(), text(&file)]);
        }
        if let Some(folder) = &self.setup.secrets {
            for name in ["admin-token", "edge-token", "signing-key"] {
                args.extend([format!("--{name}-file"), text(&folder.join(name))]);
            }
        }
        let process = Process::spawn("the control plane", &tools::portcullis()?, &args, &self.log("control.log"))?;
        Ok(self.control.insert(process))
    }

    /// Starts both sides of the upstream, in this process.
    pub(crate) async fn start_upstreams(&mut self) -> anyhow::Result<()> {
        let Ports { live, sandbox, service, .. } = self.setup.ports;
        self.upstreams.push(Running::start(Side::Live, local(live)).await?);
        self.upstreams.push(Running::start(Side::Sandbox, local(sandbox)).await?);
        self.upstreams.push(Running::start(Side::Service, local(service)).await?);
        Ok(())
    }

    /// Starts Envoy on the repository's configuration and waits until it is live; it may not enforce yet.
    pub(crate) async fn start_envoy(&mut self) -> anyhow::Result<()> {
        if self.services.is_none() {
            self.services = Services::of(&self.setup)?;
        }
        let config = self.data.join("envoy.yaml");
        let template = std::fs::read_to_string(tools::root()?.join(self.setup.envoy))?;
        let values = self.values()?;
        let text = render(&template, |name| values.get(name).cloned());
        let text = match &self.setup.plugin {
            Some(plugin) => with_plugin(&text, plugin)?,
            None => text,
        };
        write_private(&config, &text)?;
        let environment = self.services.as_ref().map(Services::environment);
        let log = self.log("envoy.log");
        self.envoy = Some(spawn_envoy_with(&config, self.setup.workers, &log, environment)?);
        let address = local(self.setup.ports.admin);
        let process = self.envoy.as_mut().context("Envoy was not started")?;
        wait_live(process, address, START).await
    }

    /// Waits until every worker answers something else than `policy_unavailable`.
    pub(crate) async fn wait_enforcing(&mut self) -> anyhow::Result<()> {
        let mut connections = workers::one_each(self.edge(), self.admin(), self.setup.workers).await?;
        for connection in &mut connections {
            wait_enforcing(connection, START).await?;
        }
        Ok(())
    }

    /// What arrived at the live upstream.
    pub(crate) fn arrivals(&self) -> anyhow::Result<&Arrivals> {
        Ok(self.upstreams.first().context("no upstream runs")?.arrivals())
    }

    /// Waits until every worker enforces all that has been written so far: a key created now is no stranger any more.
    pub(crate) async fn settle(&self, control: &Control) -> anyhow::Result<()> {
        let status = control.ok("GET", "/v1/status", None).await?;
        let mut body = json!({ "name": "settle", "environment": status["environments"][0] });
        let made = control.call("POST", "/v1/keys", Some(&body)).await?;
        let canary = match made.status {
            201 => Key::read(made.json())?,
            // A policy without keys: what it has is tokens.
            _ => {
                body["kind"] = "credential".into();
                demo::bearer(control, control.ok("POST", "/v1/keys", Some(&body)).await?).await?
            }
        };
        self.wait_known(&[&canary]).await
    }

    /// Waits until every worker knows these keys, whatever it thinks of them.
    pub(crate) async fn wait_known(&self, keys: &[&Key]) -> anyhow::Result<()> {
        for connection in &mut workers::one_each(self.edge(), self.admin(), self.setup.workers).await? {
            for key in keys {
                let probe = Request::get("/portcullis-probe").bearer(&key.text);
                wait::until("the edge's next bundle", START, async || {
                    Ok(Some(connection.send(&probe).await?).filter(|it| !matches!(it.status, 401 | 503)))
                })
                .await?;
            }
        }
        Ok(())
    }

    /// The access log so far, a value a line.
    pub(crate) fn access_log(&self) -> anyhow::Result<Vec<Value>> {
        let text = std::fs::read(self.log("access.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        // The last line may still be on its way.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }

    /// What edges of this stack need for services.
    pub(crate) fn services(&self) -> anyhow::Result<&Services> {
        self.services.as_ref().context("the policy has no services, or Envoy was not started")
    }

    /// The service outside.
    pub(crate) fn service(&self) -> anyhow::Result<&Arrivals> {
        Ok(self.upstreams.last().context("no upstream runs")?.arrivals())
    }

    /// The running stack's control API.
    pub(crate) fn control(&self) -> anyhow::Result<Control> {
        Ok(Control { address: local(self.setup.ports.control), token: self.secret("admin-token")? })
    }

    /// The running control plane's process.
    pub(crate) fn control_process(&self) -> anyhow::Result<u32> {
        Ok(self.control.as_ref().context("no control plane runs")?.id())
    }

    /// One of the control plane's secrets.
    pub(crate) fn secret(&self, name: &str) -> anyhow::Result<String> {
        let file = self.setup.secrets.clone().unwrap_or_else(|| self.control_data()).join(name);
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
        Ok(text.trim().to_owned())
    }

    /// The link that makes the first owner: the control plane prints it before it listens, as long as there is nobody.
    pub(crate) fn owner_link(&self) -> anyhow::Result<Option<String>> {
        let log = std::fs::read(self.log("control.log"))?;
        let log = String::from_utf8_lossy(&log);
        // A folder that is used again has the links of earlier starts: the last start is what counts.
        let start = log.rsplit_once(LISTENING).map_or("", |(before, _)| before);
        let last = start.rsplit_once(LISTENING).map_or(start, |(_, last)| last);
        Ok(last.split_whitespace().find(|word| word.contains("/welcome/")).map(str::to_owned))
    }

    /// The path of that link, which has to be there.
    pub(crate) fn owner_path(&self) -> anyhow::Result<String> {
        let link = self.owner_link()?.context("the control plane prints no link for its first owner")?;
        let path = link.find("/welcome/").and_then(|at| link.get(at..)).context("a link to elsewhere")?;
        Ok(path.to_owned())
    }

    pub(crate) fn stop_control(&mut self) {
        self.control = None;
    }

    /// Ends the control plane as a crash would.
    pub(crate) fn kill_control(&mut self) {
        if let Some(mut process) = self.control.take() {
            process.kill();
        }
    }

    pub(crate) fn stop_envoy(&mut self) {
        self.envoy = None;
    }

    /// Ends Envoy as a crash would.
    pub(crate) fn kill_envoy(&mut self) {
        if let Some(mut process) = self.envoy.take() {
            process.kill();
        }
    }

    /// Envoy's process id.
    pub(crate) fn envoy_id(&self) -> Option<u32> {
        self.envoy.as_ref().map(Process::id)
    }

    /// Fails once a process has ended by itself.
    pub(crate) fn ensure_alive(&mut self) -> anyhow::Result<()> {
        self.envoy.iter_mut().chain(self.control.iter_mut()).try_for_each(Process::ensure_alive)
    }

    pub(crate) fn edge(&self) -> SocketAddr {
        local(self.setup.ports.edge)
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        local(self.setup.ports.admin)
    }

    /// One request to the edge, on a connection of its own.
    pub(crate) async fn ask(&self, request: &Request) -> anyhow::Result<Response> {
        http::once(self.edge(), request).await
    }

    /// The folder with everything the run left: database, logs, rendered configuration.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn control_data(&self) -> PathBuf {
        self.data.join("control")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    /// The filter's configuration as envoy.yaml has it, filled in for this stack.
    pub(crate) fn plugin_configuration(&self) -> anyhow::Result<Value> {
        let template = std::fs::read_to_string(tools::root()?.join("envoy.yaml"))?;
        let values = self.values()?;
        let text = render(&template, |name| values.get(name).cloned());
        let (_, text) = text.split_once("StringValue\n").context("envoy.yaml has no plugin configuration")?;
        let (_, text) = text.split_once("value: |").context("envoy.yaml has no plugin configuration")?;
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        values.next().context("the plugin configuration is empty")?.context("the plugin configuration is not JSON")
    }

    /// Requests to services take the module that looks at answers.
    fn module(&self) -> Module {
        match self.setup.module {
            Module::Portcullis if self.services.is_some() => Module::Egress,
            module => module,
        }
    }

    fn values(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let file = self.control_data().join("edge.env");
        let secrets = std::fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let lines = secrets.lines().filter_map(|line| line.split_once('='));
        let mut values: BTreeMap<String, String> =
            lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let Ports { edge, admin, control, live, sandbox, .. } = self.setup.ports;
        let ports = [("EDGE", edge), ("ADMIN", admin), ("CONTROL", control), ("LIVE", live), ("SANDBOX", sandbox)];
        values.extend(ports.map(|(name, port)| (format!("PORTCULLIS_{name}_PORT"), port.to_string())));
        values.extend(self.setup.variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        values.extend(self.services.iter().flat_map(|it| it.values(self.setup.ports.service)));
        values.insert("PORTCULLIS_EDGE_ID".to_owned(), self.setup.edge_id.to_owned());
        values.insert("PORTCULLIS_WASM".to_owned(), text(&self.module().path()?));
        values.insert("PORTCULLIS_ACCESS_LOG".to_owned(), text(&self.log("access.log")));
        Ok(values)
    }
}

/// Starts Envoy on a rendered configuration.
pub(crate) fn spawn_envoy(config: &Path, workers: u32, log: &Path) -> anyhow::Result<Process> {
    spawn_envoy_with(config, workers, log, None)
}

/// The same, with one more variable in its environment.
fn spawn_envoy_with(
    config: &Path,
    workers: u32,
    log: &Path,
    variable: Option<(&str, &str)>,
) -> anyhow::Result<Process> {
    Process::spawn_with("Envoy", &tools::envoy()?, &envoy_arguments(config, workers), log, variable)
}

/// What Envoy is started with.
pub(crate) fn envoy_arguments(config: &Path, workers: u32) -> Vec<String> {
    let fixed =
        ["--disable-hot-restart", "--log-level", "warning", "--file-flush-interval-msec", "100", "--concurrency"];
    let mut args: Vec<String> = fixed.map(str::to_owned).to_vec();
    args.extend([workers.to_string(), "--config-path".to_owned(), text(config)]);
    args
}

/// Waits until Envoy says that it is live.
pub(crate) async fn wait_live(process: &mut Process, admin: SocketAddr, limit: Duration) -> anyhow::Result<()> {
    wait::until("Envoy's start", limit, async || {
        process.ensure_alive()?;
        Ok(http::once(admin, &Request::get("/ready")).await.ok().filter(|it| it.status == 200))
    })
    .await?;
    Ok(())
}

/// Waits until the worker behind a connection has a policy.
pub(crate) async fn wait_enforcing(connection: &mut Connection, limit: Duration) -> anyhow::Result<()> {
    let probe = Request::get("/portcullis-probe");
    wait::until("the edge's first bundle", limit, async || {
        Ok(Some(connection.send(&probe).await?).filter(|it| it.status != 503))
    })
    .await?;
    Ok(())
}

/// A configuration with another plugin configuration in it.
fn with_plugin(envoy: &str, plugin: &Value) -> anyhow::Result<String> {
    let (head, rest) = envoy.split_once("value: |").context("envoy.yaml has no plugin configuration")?;
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    values.next().context("the plugin configuration is empty")?.context("the plugin configuration is not JSON")?;
    let indent: String = rest.chars().take_while(|it| it.is_whitespace()).collect();
    let after = rest.get(values.byte_offset()..).unwrap_or_default();
    Ok(format!("{head}value: |{indent}{plugin}{after}"))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
