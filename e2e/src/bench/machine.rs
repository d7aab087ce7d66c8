//! `bench machine`: what a run's figures were measured on, as one line of JSON.
//!
//! Hardware, kernel, commit and date; nothing that says whose machine it is.

use std::process::Command;

use serde_json::json;

use crate::tools;

pub(super) fn print() -> anyhow::Result<()> {
    let now = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC);
    let memory = first("/proc/meminfo", "MemTotal:").and_then(|it| it.strip_suffix(" kB")?.trim().parse::<f64>().ok());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{}",
        json!({
            "date": now.date().to_string(),
            "commit": git(&["rev-parse", "--short=12", "HEAD"]),
            "has_changes": git(&["status", "--porcelain", "--untracked-files=no"]).map(|it| !it.is_empty()),
            "cpu": first("/proc/cpuinfo", "model name"),
            "cores": cores,
            "memory_gib": memory.map(|it| (it / 1024.0 / 1024.0).round()),
            "kernel": std::fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|it| it.trim().to_owned()),
        })
    );
    Ok(())
}

/// What stands behind a name in one of the kernel's files.
fn first(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.trim_start_matches(|c: char| c == ':' || c.is_whitespace()).to_owned())
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(tools::root().ok()?).args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
