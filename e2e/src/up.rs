//! `up`: a whole stack in the foreground, with keys to try it.
//!
//! Invariant: it prints nothing on stdout before every worker enforces, and at its end, whatever ends it, its
//! processes are gone.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::control::Control;
use crate::demo::{self, Demo, Keys};
use crate::ports::Ports;
use crate::stack::{self, Setup, Stack};

/// `portcullis-e2e up`.
#[derive(Debug, clap::Args)]
pub(crate) struct Up {
    /// Which policy: systemprompt, payments, fetchprompt, scope or skills.
    #[arg(long, default_value = "systemprompt")]
    preset: String,
    /// Envoy's worker threads.
    #[arg(long, default_value_t = 2)]
    workers: u32,
    /// `fixed` (edge 10000, control 8080, Envoy admin 9901) or `auto` for free ones.
    #[arg(long, default_value = "fixed", value_enum)]
    ports: PortChoice,
    /// Keep keys and logs in this folder between runs. Default: a temporary one, removed at the end.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Hand this on to `portcullis serve`: webhooks and issuers' keys over `http://`.
    #[arg(long)]
    webhook_allow_http: bool,
    /// Hand this on to `portcullis serve`: webhooks and issuers' keys on this machine and in private networks.
    #[arg(long)]
    webhook_allow_private: bool,
    /// Print one line of JSON instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum PortChoice {
    Fixed,
    Auto,
}

impl Up {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let demo = Demo::of(&self.preset)?;
        let mut setup = Setup::preset(&self.preset)?.workers(self.workers);
        if let PortChoice::Fixed = self.ports {
            setup.ports = Ports::FIXED;
            setup.ports.ensure_free()?;
        }
        setup.data = self.data.clone();
        let mut stack = Stack::new(setup.serve(self.handed_on()))?;
        eprintln!("==> starting the control plane");
        stack.start_control().await?;
        eprintln!("==> starting the upstreams and Envoy");
        stack.start_upstreams().await?;
        stack.start_envoy().await?;
        stack.wait_enforcing().await?;
        let control = stack.control()?;
        let keys = demo_keys(&self.preset, &demo, &stack, &control).await?;
        stack.wait_known(&keys.values().collect::<Vec<_>>()).await?;
        // Absent in a folder where somebody owns the place already.
        let owner_link = stack.owner_link()?;
        match self.json {
            true => println!("{}", summary(&stack, &control, &keys, owner_link.as_deref())),
            false => print_guide(&stack, &control, &demo, &keys, owner_link.as_deref()),
        }
        loop {
            stack.ensure_alive()?;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// What the control plane is started with beside the usual.
    fn handed_on(&self) -> &'static [&'static str] {
        const BOTH: &[&str] = &["--webhook-allow-http", "--webhook-allow-private"];
        let (from, to) = (usize::from(!self.webhook_allow_http), 1 + usize::from(self.webhook_allow_private));
        BOTH.get(from..to).unwrap_or_default()
    }
}

/// The keys of an earlier run in the same folder if they are still good, else new ones.
async fn demo_keys(preset: &str, demo: &Demo, stack: &Stack, control: &Control) -> anyhow::Result<Keys> {
    let file = stack.data().join(format!("demo-keys.{preset}.json"));
    let kept: Vec<Value> =
        std::fs::read(&file).ok().and_then(|it| serde_json::from_slice(&it).ok()).unwrap_or_default();
    let mut keys = Keys::new();
    for record in kept {
        let id = record["id"].as_str().context("a kept demo key without an id")?;
        let answer = control.call("GET", &format!("/v1/keys/{id}"), None).await?;
        if answer.json()["status"] == "active" {
            let name = record["name"].as_str().unwrap_or_default().to_owned();
            keys.insert(name, demo::bearer(control, record).await?);
        }
    }
    if keys.len() < demo.size() {
        eprintln!("==> creating demo keys");
        keys = demo.create_keys(control, stack.services().ok()).await?;
        let records: Vec<&Value> = keys.values().map(|key| &key.record).collect();
        stack::write_private(&file, &json!(records).to_string()).context("cannot keep the demo keys")?;
    } else {
        // The hour of an earlier run may be over.
        demo.spend(control, &keys).await?;
    }
    Ok(keys)
}

fn summary(stack: &Stack, control: &Control, keys: &Keys, owner_link: Option<&str>) -> Value {
    let records: Vec<&Value> = keys.values().map(|key| &key.record).collect();
    json!({
        "edge": format!("http://{}", stack.edge()),
        "control": format!("http://{}", control.address),
        "dashboard": dashboard(control),
        "owner_link": owner_link,
        "admin_token": control.token,
        "envoy_admin": format!("http://{}", stack.admin()),
        "keys": records,
    })
}

fn dashboard(control: &Control) -> String {
    format!("http://{}/", control.address)
}

fn print_guide(stack: &Stack, control: &Control, demo: &Demo, keys: &Keys, owner_link: Option<&str>) {
    let edge = format!("http://{}", stack.edge());
    println!("edge         {edge}");
    println!("control      http://{}", control.address);
    println!("dashboard    {}", dashboard(control));
    if let Some(link) = owner_link {
        println!("first owner  {link}");
    }
    println!("Envoy admin  http://{}", stack.admin());
    println!("access log   {}", stack.log("access.log").display());
    let exchanges: Vec<String> = keys.values().filter_map(|key| demo::exchange(control, key)).collect();
    if !exchanges.is_empty() {
        println!("\nKey ids and secrets, exchanged for access tokens:\n");
        exchanges.iter().for_each(|line| println!("  {line}"));
    }
    println!("\nEach line with the answer to expect:\n");
    for example in &demo.requests {
        println!("{}\n", example.curl(&edge, keys));
    }
    println!("Manage keys (the `portcullis` command reads these two):\n");
    println!("  export PORTCULLIS_URL=http://{} PORTCULLIS_ADMIN_TOKEN={}", control.address, control.token);
    println!("  target/tool/portcullis keys list");
    if let Some(first) = demo.requests.first().and_then(|it| it.known(keys)) {
        println!("  target/tool/portcullis keys revoke {}    # then try the first line again: 401", first.id);
    }
    println!("\nCtrl-C stops everything.");
}
