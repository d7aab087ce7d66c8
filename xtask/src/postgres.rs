//! PostgreSQL's server programs, found or installed, and a cluster of our own to test with.
//!
//! `$PORTCULLIS_PG_BIN`, else Debian's newest under /usr/lib/postgresql, else `pg_config --bindir`, else Debian's
//! package. Invariant: no cluster of the system is made, started or touched.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{debian, shell};

mod cluster;

pub(crate) use cluster::Cluster;

const DEBIAN_HOME: &str = "/usr/lib/postgresql";
/// Read by Debian's packages when a server is installed.
const DEBIAN_SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";
const PROGRAMS: [&str; 4] = ["initdb", "postgres", "pg_isready", "psql"];
const HINT: &str = "hint: set PORTCULLIS_PG_BIN to the folder that holds PostgreSQL's `initdb` and `postgres`, \
                    or put `pg_config` of a server on PATH, or install Debian's package `postgresql`";

/// The folder with `initdb`, `postgres`, `pg_isready` and `psql`.
pub(crate) fn provide() -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("PORTCULLIS_PG_BIN").map(PathBuf::from) {
        check(&folder).with_context(|| format!("PORTCULLIS_PG_BIN is `{}`\n{HINT}", folder.display()))?;
        return Ok(folder);
    }
    if let Some(folder) = installed() {
        return Ok(folder);
    }
    install().context(HINT)?;
    installed().context("Debian's package is installed, but there is no server").context(HINT)
}

fn installed() -> Option<PathBuf> {
    let of_debian = newest(Path::new(DEBIAN_HOME));
    let named = || shell::read(Command::new("pg_config").arg("--bindir")).ok().map(PathBuf::from);
    of_debian.or_else(|| named().filter(|folder| check(folder).is_ok()))
}

/// The `bin` of the highest version in a folder of versions.
fn newest(home: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(home).ok()?.filter_map(|entry| {
        let path = entry.ok()?.path();
        let version: f64 = path.file_name()?.to_str()?.parse().ok()?;
        Some((version, path.join("bin")))
    });
    let usable = versions.filter(|(_, folder)| check(folder).is_ok());
    usable.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, folder)| folder)
}

fn check(folder: &Path) -> anyhow::Result<()> {
    let missing: Vec<&str> = PROGRAMS.into_iter().filter(|program| !folder.join(program).is_file()).collect();
    anyhow::ensure!(missing.is_empty(), "`{}` lacks {}", folder.display(), missing.join(", "));
    Ok(())
}

/// Debian starts a cluster with every server that it installs, unless told otherwise in between.
fn install() -> anyhow::Result<()> {
    anyhow::ensure!(debian::is_root(), "there is no PostgreSQL server, and only root may install one");
    debian::install(&["postgresql-common"])?;
    let settings = Path::new(DEBIAN_SETTINGS);
    if !Path::new("/etc/postgresql").exists() {
        let mut file = File::options().append(true).create(true).open(settings)?;
        file.write_all(b"create_main_cluster = false\n").with_context(|| settings.display().to_string())?;
    }
    debian::install(&["postgresql"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::children::Scratch;

    #[test]
    fn versions_are_numbers() {
        let home = Scratch::new("portcullis-xtask-versions").unwrap();
        for version in ["9.6", "15", "100", "200"] {
            let folder = home.path().join(version).join("bin");
            std::fs::create_dir_all(&folder).unwrap();
            // The last one is not whole.
            let programs = if version == "200" { PROGRAMS.get(..2).unwrap() } else { &PROGRAMS };
            programs.iter().for_each(|program| drop(File::create(folder.join(program)).unwrap()));
        }
        assert_eq!(newest(home.path()), Some(home.path().join("100/bin")));
        assert_eq!(newest(&home.path().join("nowhere")), None);
    }
}
