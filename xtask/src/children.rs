//! The programs that run for us now, and the folders they use: when we are told to end, they go first.
//!
//! It starts nothing by itself. Invariants: nothing is started once the end has begun; a program in a group of its own
//! takes along whatever it started; a folder goes after the programs that use it.

use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long programs may take to end by themselves.
const GRACE: Duration = Duration::from_secs(10);

/// As `kill` names them: `123`, or `-123` for a group.
static RUNNING: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Folders that do not outlive us.
static SCRATCH: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A program that runs as long as this is held.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    name: String,
}

/// A folder for its owner alone, gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

/// From now on SIGTERM, SIGINT and SIGHUP end what runs for us, and then us.
pub(crate) fn end_with_us() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Held to the end: nothing more is started.
            let running = running();
            end(&running);
            locked(&SCRATCH).iter().for_each(|folder| drop(std::fs::remove_dir_all(folder)));
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

impl Running {
    /// Starts a program that may ask the terminal something.
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        Self::spawn(command, "")
    }

    /// Starts a program that starts others, in a group of its own.
    pub(crate) fn start_group(command: &mut Command) -> std::io::Result<Self> {
        Self::spawn(command.process_group(0), "-")
    }

    fn spawn(command: &mut Command, sign: &str) -> std::io::Result<Self> {
        let mut running = running();
        let child = command.spawn()?;
        let name = format!("{sign}{}", child.id());
        running.push(name.clone());
        Ok(Self { child, name })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        running().retain(|name| *name != self.name);
    }
}

impl Scratch {
    /// Makes a new folder where temporary files go.
    pub(crate) fn new(name: &str) -> std::io::Result<Self> {
        Self::new_in(&std::env::temp_dir(), name)
    }

    /// Makes a new folder in another.
    pub(crate) fn new_in(place: &Path, name: &str) -> std::io::Result<Self> {
        let mut scratch = locked(&SCRATCH);
        let path = place.join(format!("{name}-{}-{}", std::process::id(), scratch.len()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        scratch.push(path.clone());
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Its name is not given out again: the list does not shrink.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn running() -> MutexGuard<'static, Vec<String>> {
    locked(&RUNNING)
}

fn locked<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks them to end, and makes those that do not.
fn end(names: &[String]) {
    if names.is_empty() || !kill("-TERM", names) {
        return;
    }
    let deadline = Instant::now() + GRACE;
    while kill("-0", names) {
        if Instant::now() > deadline {
            kill("-KILL", names);
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether there was anyone to send it to.
fn kill(signal: &str, names: &[String]) -> bool {
    let sent = |name: &String| {
        let mut kill = Command::new("kill");
        kill.args([signal, "--", name]).stdout(Stdio::null()).stderr(Stdio::null());
        kill.status().is_ok_and(|status| status.success())
    };
    // Every one of them, not up to the first.
    names.iter().filter(|name| sent(name)).count() > 0
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_group_ends_with_what_it_started() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo ready; wait"]).stdout(Stdio::piped());
        let mut running = Running::start_group(&mut command).unwrap();
        let mut output = running.child.stdout.take().unwrap();
        let mut ready = [0; 6];
        output.read_exact(&mut ready).unwrap();
        let name = running.name.clone();
        let ending = std::thread::spawn(move || end(&[name]));
        assert_eq!(running.child.wait().unwrap().signal(), Some(SIGTERM));
        // The pipe closes when the last of them is gone.
        assert_eq!(output.read_to_end(&mut Vec::new()).unwrap(), 0);
        ending.join().unwrap();
    }
}
