//! CPU time of a process: all its threads, as the scheduler counts it.
//!
//! Neither waiting nor what the client uses is in it.

use std::time::Duration;

use anyhow::Context as _;

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
