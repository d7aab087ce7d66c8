//! CPU time of a process, and which CPU it may use.
//!
//! All threads of a process count, as the scheduler counts them; neither waiting nor what the client uses is in it.

use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// CPU time used so far by every thread that a process has now.
pub(super) fn time_of(pid: u32) -> anyhow::Result<Duration> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path().join("schedstat");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        nanoseconds += text.split(' ').next().and_then(|it| it.parse::<u64>().ok()).context("not a schedstat")?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// CPU time used so far by a process, threads that ended included, in hundredths of a second.
pub(super) fn time_with_ended(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // proc(5): the name, in parentheses, may hold anything; `utime` and `stime` are the 12th and 13th field behind it.
    let fields = stat.rsplit_once(')').context("not a stat")?.1.split_whitespace().skip(11).take(2);
    let ticks = fields.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// Keeps Envoy and its client off each other's CPU: on a shared one, each measures the caches that the other left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    client: usize,
    envoy: usize,
}

impl Places {
    /// The first and the last CPU that we may use; `None` if there is only one.
    pub(super) fn find() -> anyhow::Result<Option<Self>> {
        let ours = sched_getaffinity(None)?;
        let mut usable = (0..CpuSet::MAX_CPU).filter(|cpu| ours.is_set(*cpu));
        let (first, last) = (usable.next(), usable.next_back());
        Ok(first.zip(last).map(|(client, envoy)| Self { client, envoy }))
    }

    /// Puts every thread of a process where Envoys go.
    pub(super) fn put_envoy(self, pid: u32) -> anyhow::Result<()> {
        for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
            let id = task?.file_name().to_string_lossy().parse::<i32>()?;
            sched_setaffinity(Pid::from_raw(id), &only(self.envoy))?;
        }
        Ok(())
    }

    /// Puts the calling thread where the client goes.
    pub(super) fn put_client(self) -> anyhow::Result<()> {
        Ok(sched_setaffinity(None, &only(self.client))?)
    }
}

fn only(cpu: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(cpu);
    set
}
