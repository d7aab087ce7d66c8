//! Everything that is looked through: files, what Envoy's operator and the control plane's callers are told, copies of the database,
//! the control plane's memory.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::forms::forms;
use super::planted::Planted;
use crate::control::Control;
use crate::database::Database;
use crate::http::{self, Request};
use crate::report::Report;
use crate::stack::Stack;
use crate::tools;

/// What Envoy tells its operator.
const ADMIN: [&str; 9] = [
    "/config_dump?include_eds",
    "/stats",
    "/stats/prometheus",
    "/clusters",
    "/listeners",
    "/server_info",
    "/runtime",
    "/certs",
    "/memory",
];
/// What the control plane tells whoever may ask everything.
const API: [&str; 9] = [
    "/v1/secrets",
    "/v1/skills",
    "/v1/edge-keys",
    "/v1/audit?limit=1000",
    "/v1/denials",
    "/v1/keys",
    "/v1/edges",
    "/v1/status",
    "/metrics",
];

/// Which values stand in these bytes, in any spelling: the beginning of each.
pub(super) fn found<'v>(bytes: &[u8], values: impl Iterator<Item = &'v str>) -> Vec<String> {
    let holds = |value: &str| forms(value).iter().any(|form| contains(bytes, form.as_bytes()));
    values.filter(|value| holds(value)).map(|value| value.chars().take(13).collect()).collect()
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    let Some(first) = wanted.first() else { return false };
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(wanted) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// What is answered to whoever asks.
pub(super) async fn told(stack: &Stack, control: &Control, values: &[&str], report: &mut Report) -> anyhow::Result<()> {
    for path in ADMIN {
        let answer = http::once(stack.admin(), &Request::get(path)).await?;
        look(&format!("Envoy's {path}"), &answer.body, values, report);
    }
    for path in API {
        let answer = control.call("GET", path, None).await?;
        report.equal(format!("{path} answers"), answer.status, 200);
        look(path, &answer.body, values, report);
    }
    Ok(())
}

fn look(what: &str, bytes: &[u8], values: &[&str], report: &mut Report) {
    let found = found(bytes, values.iter().copied());
    report.check(format!("none in {what} ({} bytes): {found:?}", bytes.len()), found.is_empty() && !bytes.is_empty());
}

/// What an operator copies.
pub(super) fn copies(
    stack: &Stack,
    database: Option<&Database>,
    values: &[&str],
    report: &mut Report,
) -> anyhow::Result<()> {
    let bytes = match database {
        Some(database) => database.dump()?,
        None => {
            let copy = stack.log("copy.sqlite");
            let mut command = Command::new(tools::portcullis()?);
            command.args(["backup", "--out"]).arg(&copy).arg("--data").arg(stack.control_data());
            let output = command.output().context("cannot run `portcullis backup`")?;
            anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            std::fs::read(copy)?
        }
    };
    report.check("the copy is of this database", contains(&bytes, b"weather_api_key"));
    look("a copy of the database", &bytes, values, report);
    Ok(())
}

/// Everything that the run left on disk.
pub(super) fn files(folder: &Path, values: &[&str], report: &mut Report) -> anyhow::Result<()> {
    let mut seen = Vec::new();
    for file in all_files(folder)? {
        let bytes = std::fs::read(&file)?;
        let found = found(&bytes, values.iter().copied());
        let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        report.quiet(format!("none in {name}"), if found.is_empty() { Ok(()) } else { Err(format!("{found:?}")) });
        seen.push(name);
    }
    for wanted in ["access.log", "control.log", "envoy.log", "envoy.yaml"] {
        report.check(format!("{wanted} was looked through"), seen.iter().any(|name| name == wanted));
    }
    report.figure("files_looked_through", seen.len());
    Ok(())
}

fn all_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(all_files(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// A control plane that got boxes never had what is in them.
pub(super) fn memory(stack: &Stack, planted: &Planted, report: &mut Report) -> anyhow::Result<()> {
    let (mut looked, mut leaked, mut is_its_own) = (0, Vec::new(), false);
    for part in writable_memory(stack.control_process()?)? {
        looked += part.len();
        leaked.extend(found(&part, planted.sealed.iter().map(String::as_str)));
        is_its_own |= contains(&part, b"weather_api_key");
    }
    report.check("the control plane's memory can be looked through", is_its_own);
    report.check(format!("no value that was sealed before is in its {looked} bytes: {leaked:?}"), leaked.is_empty());
    Ok(())
}

/// What a process has written, mapping by mapping (proc(5)).
fn writable_memory(process: u32) -> anyhow::Result<Vec<Vec<u8>>> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps"))?;
    let mut memory = File::open(format!("/proc/{process}/mem"))?;
    let mut parts = Vec::new();
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|it| it.starts_with("rw"))) {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).context("not a mapping")?;
        let (from, to) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(to, 16)?);
        let mut part = vec![0; usize::try_from(to - from)?];
        // A part that went away since has nothing in it.
        if memory.seek(SeekFrom::Start(from)).is_ok() && memory.read_exact(&mut part).is_ok() {
            parts.push(part);
        }
    }
    Ok(parts)
}
