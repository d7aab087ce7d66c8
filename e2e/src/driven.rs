//! A client program that is driven by lines: one JSON object in, one JSON object out.
//!
//! It does not know what is said. Invariant: whoever gives no answer in time has failed, and goes with its handle.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The longest that an answer may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A running client program. It ends when its input does, whatever becomes of us.
#[derive(Debug)]
pub(crate) struct Driven {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Driven {
    /// Starts a Python program; what it has to say besides goes into a file.
    pub(crate) fn start(python: &Path, script: &Path, env: &[(&str, String)], log: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(python)
            .arg(script)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run `{}`", python.display()))?;
        let (input, output) = (child.stdin.take().context("no input")?, child.stdout.take().context("no output")?);
        Ok(Self { input, output: BufReader::new(output).lines(), _child: child })
    }

    /// Gives an order and waits for the answer.
    pub(crate) async fn ask(&mut self, order: &Value) -> anyhow::Result<Value> {
        let answer = async {
            self.input.write_all(format!("{order}\n").as_bytes()).await?;
            self.input.flush().await?;
            self.output.next_line().await?.context("it ended; its log says why")
        };
        let line = tokio::time::timeout(LIMIT, answer).await.context("no answer in time")??;
        serde_json::from_str(&line).with_context(|| line)
    }
}
