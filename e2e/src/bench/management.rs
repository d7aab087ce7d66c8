//! `bench management`: how long the management API takes with a hundred thousand keys.
//!
//! Listing, searching, finding a pasted key, showing one and creating one: one client at a time, then eight at once; on
//! SQLite, and on PostgreSQL where a server is handed over. Beside what clients wait for stands the CPU time that the
//! control plane spends on a request, its SQLite included, PostgreSQL's server not: that is hardly moved by what else
//! the machine does. Whether the goal is met is said, not enforced.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::cpu;
use crate::control::{Control, Key};
use crate::database::Database;
use crate::http::{Connection, Request};
use crate::report::{percentile, rounded};
use crate::stack::{Setup, Stack};
use crate::tools;

/// Unless it is said otherwise.
pub(super) const KEYS: usize = 100_000;
const CLIENTS: [usize; 2] = [1, 8];
const GOAL_MS: f64 = 50.0;
/// What nobody waits for longer than the goal.
const WITH_GOAL: [&str; 3] = ["list", "search", "create"];

/// What is measured.
#[derive(Clone, Copy, Debug)]
enum Operation {
    /// The newest hundred.
    List,
    /// A page from the middle.
    ListDeep,
    /// The longest page there is.
    ListLong,
    /// A name that one key has.
    Search,
    /// Text that every key has.
    SearchCommon,
    /// Text that no key has.
    SearchNothing,
    /// A pasted key.
    Find,
    Show,
    Create,
}

impl Operation {
    const ALL: [Self; 9] = [
        Self::List,
        Self::ListDeep,
        Self::ListLong,
        Self::Search,
        Self::SearchCommon,
        Self::SearchNothing,
        Self::Find,
        Self::Show,
        Self::Create,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::ListDeep => "list-deep",
            Self::ListLong => "list-1000",
            Self::Search => "search",
            Self::SearchCommon => "search-common",
            Self::SearchNothing => "search-nothing",
            Self::Find => "find",
            Self::Show => "show",
            Self::Create => "create",
        }
    }

    /// The request, another one for each index.
    fn request(self, from: &Ingredients, token: &str, index: usize) -> Request {
        let key = from.keys.get(index.wrapping_mul(7919) % from.keys.len().max(1));
        let (id, text) = key.map_or(("", ""), |key| (&key.id, &key.text));
        let request = match self {
            Self::List => Request::get("/v1/keys?limit=100"),
            Self::ListDeep => Request::get(&format!("/v1/keys?limit=100&cursor={}", from.cursor)),
            Self::ListLong => Request::get("/v1/keys?limit=1000"),
            Self::Search => {
                Request::get(&format!("/v1/keys?q=key-{}&limit=100", index.wrapping_mul(7919) % from.keys.len().max(1)))
            }
            Self::SearchCommon => Request::get("/v1/keys?q=key-&limit=100"),
            Self::SearchNothing => Request::get("/v1/keys?q=nowhere-to-be-found&limit=100"),
            Self::Find => Request::new("POST", "/v1/keys:find").json(&json!({ "key": text })),
            Self::Show => Request::get(&format!("/v1/keys/{id}")),
            Self::Create => {
                let body = json!({ "name": "measured", "environment": "production", "scopes": ["skills:read"] });
                Request::new("POST", "/v1/keys").json(&body)
            }
        };
        request.bearer(token)
    }
}

struct Ingredients {
    control: Control,
    keys: Vec<Key>,
    /// Where the middle page begins.
    cursor: String,
}

pub(super) async fn run(keys: usize, samples: usize, as_json: bool) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(samples > 0, "nothing to measure");
    let mut figures = Map::new();
    figures.insert("sqlite".to_owned(), on("sqlite", None, keys, samples).await?);
    if tools::postgres().is_ok() {
        let database = Database::create("bench")?;
        figures.insert("postgresql".to_owned(), on("postgresql", Some(database.url()?), keys, samples).await?);
    }
    if as_json {
        println!("{}", json!({ "keys": keys, "samples": samples, "databases": figures }));
    }
    Ok(ExitCode::SUCCESS)
}

async fn on(name: &str, database: Option<String>, keys: usize, samples: usize) -> anyhow::Result<Value> {
    let mut stack = Stack::new(Setup { database, ..Setup::preset("systemprompt")? })?;
    stack.start_control().await?;
    eprintln!("==> {name}: creating {keys} keys");
    let from = Arc::new(ingredients(stack.control()?, keys).await?);
    let process = stack.control_process()?;
    println!("{name:12}{:16}{:>8}{:>10}{:>10}{:>10}{:>10}", "", "clients", "p50 ms", "p99 ms", "max ms", "CPU ms");
    let mut figures = Map::new();
    for operation in Operation::ALL {
        for clients in CLIENTS {
            let tokens = tokens(&from.control, clients).await?;
            let before = cpu::time_with_ended(process)?;
            let sample = measure(operation, &from, tokens, samples).await?;
            let used = cpu::time_with_ended(process)?.saturating_sub(before).as_secs_f64() * 1000.0;
            let used = rounded(used / sample.len().max(1) as f64);
            let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| rounded(percentile(&sample, share)));
            let verdict = match WITH_GOAL.contains(&operation.name()) {
                true if p99 <= GOAL_MS => "  goal met",
                true => "  goal MISSED",
                false => "",
            };
            let operation = operation.name();
            println!("{:12}{operation:16}{clients:>8}{p50:>10.2}{p99:>10.2}{max:>10.2}{used:>10.2}{verdict}", "");
            let figure = json!({ "p50_ms": p50, "p99_ms": p99, "max_ms": max, "cpu_ms": used });
            figures.insert(format!("{operation}_{clients}"), figure);
        }
    }
    Ok(Value::Object(figures))
}

async fn ingredients(control: Control, count: usize) -> anyhow::Result<Ingredients> {
    let keys = control.fill(count).await?;
    let mut cursor = String::new();
    for _ in 0..count / 2 / 1000 {
        let from = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
        let page = control.ok("GET", &format!("/v1/keys?limit=1000{from}"), None).await?;
        cursor = page["next_cursor"].as_str().unwrap_or_default().to_owned();
    }
    Ok(Ingredients { control, keys, cursor })
}

/// One for each client: each has a rate limit of its own.
async fn tokens(control: &Control, clients: usize) -> anyhow::Result<Vec<String>> {
    let mut tokens = Vec::with_capacity(clients);
    for _ in 0..clients {
        tokens.push(control.service_token("bench", &["keys:read", "keys:write"]).await?);
    }
    Ok(tokens)
}

/// Milliseconds of each request, from as many clients at once as there are tokens.
async fn measure(
    operation: Operation,
    from: &Arc<Ingredients>,
    tokens: Vec<String>,
    samples: usize,
) -> anyhow::Result<Vec<f64>> {
    let mut set = JoinSet::new();
    let clients = tokens.len();
    for (client, token) in tokens.into_iter().enumerate() {
        let from = Arc::clone(from);
        set.spawn(async move {
            let mut connection = Connection::open(from.control.address).await?;
            let mut sample = Vec::with_capacity(samples / clients);
            for index in (client..samples).step_by(clients) {
                let request = operation.request(&from, &token, index);
                let start = Instant::now();
                let answer = connection.send(&request).await?;
                sample.push(start.elapsed().as_secs_f64() * 1000.0);
                anyhow::ensure!(answer.status < 300, "{} answered {}", operation.name(), answer.gist());
            }
            anyhow::Ok(sample)
        });
    }
    let mut all = Vec::with_capacity(samples);
    while let Some(sample) = set.join_next().await {
        all.extend(sample??);
    }
    Ok(all)
}
