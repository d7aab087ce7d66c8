//! A PostgreSQL cluster in a temporary folder, on a free port of loopback.
//!
//! Nobody else's: a random password, everything in one folder. Invariant: a dropped [`Cluster`] has ended and its
//! folder is gone; where `setpriv` exists the server ends when we are killed.

use std::fs::File;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::children::{Running, Scratch};
use crate::debian;
use crate::shell::{self, timed};

const START: Duration = Duration::from_secs(60);
/// How long a server may take to end before it is made to.
const GRACE: Duration = Duration::from_secs(10);
/// Suites run beside each other, each with pools of its own.
const MAX_CONNECTIONS: u32 = 300;

/// A running server. It is told to end before its folder goes: fields drop in order.
#[derive(Debug)]
pub(crate) struct Cluster {
    server: Running,
    url: String,
    _folder: Scratch,
}

/// Memory, where there is plenty: the tests' hundreds of databases are gigabytes, which a disk takes minutes to forget.
fn roomy_folder() -> PathBuf {
    const NEEDED_KIB: u64 = 8 << 20;
    let memory = Path::new("/dev/shm");
    let mut df = Command::new("df");
    df.args(["--output=avail", "-k"]).arg(memory);
    let free = shell::read(&mut df).ok().and_then(|text| text.lines().nth(1)?.trim().parse::<u64>().ok());
    if free.is_some_and(|free| free >= NEEDED_KIB) { memory.to_owned() } else { std::env::temp_dir() }
}

/// Who the server runs as: it refuses to run as root.
#[derive(Clone, Copy, Debug)]
struct User {
    id: u32,
    group: u32,
}

impl Cluster {
    /// Makes a cluster with the programs in `bin` and starts it.
    pub(crate) fn start(bin: &Path) -> anyhow::Result<Self> {
        timed("starting a PostgreSQL cluster of our own", || {
            Self::start_in(bin, Scratch::new_in(&roomy_folder(), "portcullis-pg")?)
        })
    }

    /// Where it is, with the password of its superuser: `postgres://…/postgres`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn start_in(bin: &Path, folder: Scratch) -> anyhow::Result<Self> {
        let user = User::needed()?;
        let (home, password) = (folder.path(), random_hex()?);
        std::fs::write(home.join("password"), &password)?;
        user.iter().try_for_each(|user| user.own(home).and_then(|()| user.own(&home.join("password"))))?;
        let data = home.join("data");
        let mut initdb = command(&bin.join("initdb"), user, home);
        initdb.args(["--auth=scram-sha-256", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("--pgdata").arg(&data).arg("--pwfile").arg(home.join("password"));
        shell::read(&mut initdb).with_context(|| format!("cannot make a cluster in `{}`", home.display()))?;
        let port = free_port()?;
        let log = home.join("log");
        let server = spawn(bin, user, home, port)?;
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        let mut cluster = Self { server, url, _folder: folder };
        cluster.wait(bin, port, &log)?;
        Ok(cluster)
    }

    fn wait(&mut self, bin: &Path, port: u16, log: &Path) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        let port = port.to_string();
        let said = || std::fs::read_to_string(log).unwrap_or_default();
        loop {
            let mut probe = Command::new(bin.join("pg_isready"));
            probe.args(["--quiet", "--host", "127.0.0.1", "--port", &port]);
            if probe.status().is_ok_and(|status| status.success()) {
                return Ok(());
            }
            let ended = self.server.child.try_wait()?;
            anyhow::ensure!(ended.is_none(), "PostgreSQL ended by itself; it said:\n{}", said());
            anyhow::ensure!(Instant::now() < deadline, "PostgreSQL does not start; it said:\n{}", said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGINT: it ends its sessions rather than wait for them.
        let id = self.server.child.id().to_string();
        let _ = Command::new("kill").args(["-INT", "--", &id]).stderr(Stdio::null()).status();
        let deadline = Instant::now() + GRACE;
        while matches!(self.server.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.server.child.kill();
                let _ = self.server.child.wait();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl User {
    /// As root: `postgres` if there is one, else `nobody`. Otherwise ourselves.
    fn needed() -> anyhow::Result<Option<Self>> {
        if !debian::is_root() {
            return Ok(None);
        }
        let number = |flag: &str, name: &str| shell::read(Command::new("id").args([flag, name])).ok()?.parse().ok();
        let named = |name| Some(Self { id: number("-u", name)?, group: number("-g", name)? });
        let user = named("postgres").or_else(|| named("nobody"));
        user.context("PostgreSQL refuses to run as root\nhint: a user `postgres` or `nobody`").map(Some)
    }

    fn own(&self, path: &Path) -> std::io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.id), Some(self.group))
    }
}

/// The server, in a group of its own: Ctrl-C reaches it through us, in order.
fn spawn(bin: &Path, user: Option<User>, home: &Path, port: u16) -> anyhow::Result<Running> {
    let program = bin.join("postgres");
    let tied = shell::on_path("setpriv");
    let mut server = command(tied.as_ref().unwrap_or(&program), user, home);
    if tied.is_some() {
        server.args(["--pdeathsig", "INT", "--"]).arg(&program);
    }
    server.arg("-D").arg(home.join("data"));
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", home.display()),
        format!("max_connections={MAX_CONNECTIONS}"),
    ];
    server.args(settings.iter().flat_map(|setting| ["-c", setting]));
    let log = File::create(home.join("log"))?;
    server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Running::start_group(&mut server).context("cannot start PostgreSQL")
}

fn command(program: &PathBuf, user: Option<User>, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(home);
    if let Some(User { id, group }) = user {
        command.uid(id).gid(group);
    }
    // What the caller's environment says of other servers is not about this one.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn random_hex() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_leaves_nothing() {
        let bin = super::super::provide().unwrap();
        let cluster = Cluster::start(&bin).unwrap();
        let ask = |url: &str| shell::read(Command::new(bin.join("psql")).args([url, "-Atc", "select 6 * 7"]));
        assert_eq!(ask(cluster.url()).unwrap(), "42");
        assert!(ask(&cluster.url().replace("postgres:", "postgres:x")).is_err(), "another password");
        let (url, folder) = (cluster.url().to_owned(), cluster._folder.path().to_owned());
        let id = cluster.server.child.id();
        drop(cluster);
        assert!(!folder.exists() && !Path::new(&format!("/proc/{id}")).exists());
        assert!(ask(&url).is_err());
    }
}
