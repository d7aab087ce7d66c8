//! A PostgreSQL cluster to test with: the one that was given, or one of our own for this process.
//!
//! `$PORTCULLIS_TEST_POSTGRES` is the URL of a cluster in which databases may be made. Without it the server's programs
//! are looked for (`$PORTCULLIS_PG_BIN`, PATH, Debian's folders), and a cluster is made in a temporary folder. It knows
//! no SQL. Invariant: a cluster of our own ends with this process, however that ends, and its folder goes.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;

const GIVEN: &str = "PORTCULLIS_TEST_POSTGRES";
const DEBIAN: &str = "/usr/lib/postgresql";
const START_WITHIN: Duration = Duration::from_secs(60);
const HINT: &str = "hint: set PORTCULLIS_TEST_POSTGRES to a cluster's URL, or install a server (Debian: `postgresql`), \
                    or run `cargo xtask test`, which provides one";
/// Waits until its stdin ends, which is when we do; then ends the server, and takes the folder away.
const KEEPER: &str =
    r#"exec 3<&0; "$@" </dev/null & server=$!; cat <&3 >/dev/null; kill -INT $server; wait $server; rm -rf "$FOLDER""#;

/// The URL of a database called `name` in the cluster, which need not be there yet; `postgres` is.
pub fn database_url(name: &str) -> anyhow::Result<String> {
    let url = match std::env::var(GIVEN) {
        Ok(url) if !url.is_empty() => url,
        _ => own()?,
    };
    let (address, query) = url.split_once('?').map_or((url.as_str(), None), |(it, query)| (it, Some(query)));
    let (scheme, rest) = address.split_once("://").context("PORTCULLIS_TEST_POSTGRES is no URL")?;
    let host = rest.split('/').next().unwrap_or_default();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Ok(format!("{scheme}://{host}/{name}{query}"))
}

/// The cluster of this process, started by whoever asks first.
fn own() -> anyhow::Result<String> {
    static OWN: OnceLock<Mutex<Option<Cluster>>> = OnceLock::new();
    let mut own = OWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cluster) = &*own {
        return Ok(cluster.url.clone());
    }
    let cluster = Cluster::start().context(HINT)?;
    let url = cluster.url.clone();
    *own = Some(cluster);
    Ok(url)
}

#[derive(Debug)]
struct Cluster {
    url: String,
    /// Holds the pipe whose end is the server's end.
    _keeper: Child,
}

impl Cluster {
    fn start() -> anyhow::Result<Self> {
        let bin = programs().context("there is no PostgreSQL server")?;
        let folder = std::env::temp_dir().join(format!("portcullis-postgres-{}", std::process::id()));
        std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        let user = User::needed()?;
        let password = secret()?;
        let file = folder.join("password");
        std::fs::write(&file, &password)?;
        user.iter().try_for_each(|user| [&folder, &file].into_iter().try_for_each(|path| user.own(path)))?;
        let mut initdb = command(&bin.join("initdb"), user, &folder);
        initdb.args(["--auth=scram-sha-256", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("--pgdata").arg(folder.join("data")).arg("--pwfile").arg(&file);
        let made = initdb.output().context("initdb")?;
        anyhow::ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let keeper = keep(&bin, user, &folder, port)?;
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        let deadline = Instant::now() + START_WITHIN;
        while !is_ready(&bin, port) {
            let said = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            anyhow::ensure!(Instant::now() < deadline, "PostgreSQL does not start:\n{}", said());
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { url, _keeper: keeper })
    }
}

/// What is written need not outlive the machine's failure: nothing waits for the disk.
fn keep(bin: &Path, user: Option<User>, folder: &Path, port: u16) -> anyhow::Result<Child> {
    let log = std::fs::File::create(folder.join("log"))?;
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", folder.display()),
        "max_connections=300".to_owned(),
        "fsync=off".to_owned(),
        "full_page_writes=off".to_owned(),
    ];
    let mut keeper = command(Path::new("/bin/sh"), user, folder);
    keeper.args(["-c", KEEPER, "sh"]).arg(bin.join("postgres")).arg("-D").arg(folder.join("data"));
    keeper.args(settings.iter().flat_map(|setting| ["-c", setting])).env("FOLDER", folder);
    keeper.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    // What ends us from the terminal does not end the keeper before its work is done.
    std::os::unix::process::CommandExt::process_group(&mut keeper, 0);
    keeper.spawn().context("cannot start PostgreSQL")
}

fn is_ready(bin: &Path, port: u16) -> bool {
    let mut probe = Command::new(bin.join("pg_isready"));
    probe.args(["--quiet", "--host", "127.0.0.1", "--port", &port.to_string()]);
    probe.status().is_ok_and(|status| status.success())
}

/// The folder of the server's programs.
fn programs() -> Option<PathBuf> {
    let given = std::env::var_os("PORTCULLIS_PG_BIN").map(PathBuf::from);
    let path: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let mut debian: Vec<PathBuf> =
        std::fs::read_dir(DEBIAN).into_iter().flatten().filter_map(|it| Some(it.ok()?.path().join("bin"))).collect();
    debian.sort();
    let mut places = given.into_iter().chain(path).chain(debian.into_iter().rev());
    places.find(|folder| ["initdb", "postgres", "pg_isready"].iter().all(|it| folder.join(it).is_file()))
}

/// Who the server runs as: it refuses to run as root.
#[derive(Clone, Copy, Debug)]
struct User {
    id: u32,
    group: u32,
}

impl User {
    /// As root: `postgres` if there is one, else `nobody`. Otherwise ourselves.
    fn needed() -> anyhow::Result<Option<Self>> {
        let number = |args: &[&str]| {
            let said = Command::new("id").args(args).output().ok().filter(|it| it.status.success())?;
            String::from_utf8_lossy(&said.stdout).trim().parse::<u32>().ok()
        };
        if number(&["-u"]) != Some(0) {
            return Ok(None);
        }
        let named = |name| Some(Self { id: number(&["-u", name])?, group: number(&["-g", name])? });
        named("postgres").or_else(|| named("nobody")).context("no user to run PostgreSQL as").map(Some)
    }

    fn own(&self, path: &Path) -> std::io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.id), Some(self.group))
    }
}

/// A command that knows nothing of other servers.
fn command(program: &Path, user: Option<User>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    if let Some(User { id, group }) = user {
        std::os::unix::process::CommandExt::uid(&mut command, id);
        std::os::unix::process::CommandExt::gid(&mut command, group);
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command
}

fn secret() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 16];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
