//! Running the binary, and a control plane to run it against.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The repository's root.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The command without anything from this environment.
pub(crate) fn portcullis() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.env_clear().current_dir(workspace());
    command
}

pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Done {
    finish(portcullis().args(arguments), "")
}

/// Runs a command with that text on stdin.
pub(crate) fn finish(command: &mut Command, stdin: &str) -> Done {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that does not read its stdin may be gone before this is written.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    Done {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A control plane in a process of its own; killed when dropped.
pub(crate) struct Control {
    child: Child,
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Control {
    pub(crate) fn start() -> Self {
        Self::on(tempfile::tempdir().unwrap())
    }

    /// Ends it as the machine's failure would, and starts another on the same folder.
    pub(crate) fn kill_and_restart(self) -> Self {
        Self::on(self.kill())
    }

    /// Ends it as the machine's failure would, and gives the folder back.
    pub(crate) fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    pub(crate) fn on(folder: tempfile::TempDir) -> Self {
        Self::serve(folder, Path::new("policies/payments/policy.toml"), &[])
    }

    /// The same with access tokens, and issuers' keys from anywhere.
    pub(crate) fn with_tokens() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let payments = std::fs::read_to_string(workspace().join("policies/payments/policy.toml")).unwrap();
        let policy = folder.path().join("policy.toml");
        std::fs::write(&policy, payments + "\n[tokens]\naudience = \"https://api.example.com\"\n").unwrap();
        Self::serve(folder, &policy, &["--webhook-allow-http", "--webhook-allow-private"])
    }

    /// The same with services outside, `weather` and `crm`.
    pub(crate) fn with_services() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let payments = std::fs::read_to_string(workspace().join("policies/payments/policy.toml")).unwrap();
        let policy = folder.path().join("policy.toml");
        let service = |name: &str, secrets: &[&str]| {
            format!("\n[[services]]\nname = \"{name}\"\nhost = \"api.{name}.example\"\nreferences = {secrets:?}\n")
        };
        let services = service("weather", &["weather_api_key", "weather_user", "w", "a", "b"]) + &service("crm", &[]);
        std::fs::write(&policy, payments + &services).unwrap();
        Self::serve(folder, &policy, &[])
    }

    fn serve(folder: tempfile::TempDir, policy: &Path, more: &[&str]) -> Self {
        let mut command = portcullis();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(more).arg("--policy").arg(policy).arg("--data");
        let mut child = command.arg(folder.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("portcullis listening on ").unwrap().to_owned();
        Self { child, url, folder }
    }

    /// `portcullis` as the administrator of this control plane.
    pub(crate) fn admin(&self, arguments: &[&str]) -> Done {
        self.admin_with(arguments, "")
    }

    /// The same with that text on stdin.
    pub(crate) fn admin_with(&self, arguments: &[&str], stdin: &str) -> Done {
        let token = self.folder.path().join("admin-token");
        finish(portcullis().args(arguments).args(["--control", &self.url, "--token-file"]).arg(token), stdin)
    }

    /// The environment that edge.env sets.
    pub(crate) fn edge_env(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(self.folder.path().join("edge.env")).unwrap();
        let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
        text.lines().map(pair).collect()
    }

    pub(crate) fn process(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
