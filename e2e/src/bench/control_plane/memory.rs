//! How much memory a process holds: what the kernel says of it.

use anyhow::Context as _;

/// Megabytes (of 1,048,576 bytes) in memory now.
pub(super) fn resident_mb(process: u32) -> anyhow::Result<f64> {
    read(process, "VmRSS:")
}

/// The most there ever were.
pub(super) fn peak_mb(process: u32) -> anyhow::Result<f64> {
    read(process, "VmHWM:")
}

/// proc(5): kibibytes, a line each.
fn read(process: u32, name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1024.0)
}
