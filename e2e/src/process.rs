//! One child process: started with a log file, stopped by its id.
//!
//! Knows nothing of what it runs. Invariant: a dropped [`Process`] is gone, and where `setpriv` exists a child also
//! goes when we are killed.

use std::fs::File;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

use crate::wait;

/// How long a process may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// A child process.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
    /// Whether what it started goes with it.
    has_group: bool,
}

impl Process {
    /// Starts `program`; what it prints is appended to `log`.
    pub(crate) fn spawn(name: &'static str, program: &Path, args: &[String], log: &Path) -> anyhow::Result<Self> {
        Self::spawn_with(name, program, args, log, None)
    }

    /// The same, with one more variable in its environment.
    pub(crate) fn spawn_with(
        name: &'static str,
        program: &Path,
        args: &[String],
        log: &Path,
        variable: Option<(&str, &str)>,
    ) -> anyhow::Result<Self> {
        Self::start(name, tied_to_us(program).args(args).envs(variable), log, false)
    }

    /// Starts a program that starts others, or leaves things where it is: they go with it, and it is where its log is.
    pub(crate) fn spawn_group(name: &'static str, program: &Path, args: &[String], log: &Path) -> anyhow::Result<Self> {
        let folder = log.parent().context("a log without a folder")?;
        Self::start(name, tied_to_us(program).args(args).current_dir(folder).process_group(0), log, true)
    }

    fn start(name: &'static str, command: &mut Command, log: &Path, has_group: bool) -> anyhow::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
        let child = command.spawn().with_context(|| format!("cannot start {name}: {command:?}"))?;
        Ok(Self { name, child, log: log.to_owned(), has_group })
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails, with the end of its log, once it has ended.
    pub(crate) fn ensure_alive(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                let how = status.signal().map_or_else(|| format!("{status}"), |signal| format!("signal {signal}"));
                anyhow::bail!("{} ended by itself ({how}); its log ends:\n{}", self.name, self.log_tail())
            }
        }
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn finished(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        wait::until(&format!("the end of {}", self.name), limit, async || Ok(self.child.try_wait()?)).await
    }

    /// The last lines it printed.
    pub(crate) fn log_tail(&self) -> String {
        let text = String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default();
        tail.iter().map(|line| format!("    {line}\n")).collect()
    }

    /// Asks it to end, and makes it if it does not.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                return self.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it without asking.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn signal(&mut self, signal: Signal) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.pid().map(|pid| kill_process(pid, signal));
        }
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Ends whatever is left of the group, and waits until it is gone.
    fn kill_group(&self) {
        let Some(group) = self.pid().filter(|_| self.has_group) else { return };
        let _ = kill_process_group(group, Signal::KILL);
        let deadline = Instant::now() + GRACE;
        while test_kill_process_group(group).is_ok() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
        self.kill_group();
    }
}

/// Resident memory of a process, now and at its highest, in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now_mb: f64,
    pub(crate) peak_mb: f64,
}

/// What a process that runs has in memory.
pub(crate) fn memory_of(process: u32) -> anyhow::Result<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes = line.and_then(|it| it.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kilobytes.map(|it| it / 1024.0).with_context(|| format!("no {name} of process {process}"))
    };
    Ok(Memory { now_mb: field("VmRSS")?, peak_mb: field("VmHWM")? })
}

/// A command whose process gets SIGTERM when we die, whatever we die of. `setpriv` execs: the id is the program's.
fn tied_to_us(program: &Path) -> Command {
    static SETPRIV: OnceLock<bool> = OnceLock::new();
    let works = *SETPRIV.get_or_init(|| {
        let mut probe = Command::new("setpriv");
        probe.args(["--pdeathsig", "TERM", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    });
    if !works {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}
