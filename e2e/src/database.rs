//! A PostgreSQL database of our own, on the server that `cargo xtask` hands over.
//!
//! Invariant: a dropped [`Database`] is gone from the server, whoever is still connected.

use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::tools;

/// A database that is empty at first.
#[derive(Debug)]
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    pub(crate) fn create(purpose: &str) -> anyhow::Result<Self> {
        let name = format!("portcullis_{purpose}_{}", std::process::id());
        let database = Self { server: tools::postgres()?, name };
        database.tell(&format!("create database {}", database.name))?;
        Ok(database)
    }

    pub(crate) fn url(&self) -> anyhow::Result<String> {
        let (server, _) = self.server.rsplit_once('/').context("PORTCULLIS_TEST_POSTGRES names no database")?;
        Ok(format!("{server}/{}", self.name))
    }

    /// All of it, as an operator would copy it.
    pub(crate) fn dump(&self) -> anyhow::Result<Vec<u8>> {
        let mut dump = Command::new(tools::psql()?.with_file_name("pg_dump"));
        dump.args(["--dbname", "service=portcullis"]);
        run(dump, &self.url()?)
    }

    fn tell(&self, statement: &str) -> anyhow::Result<()> {
        let mut psql = Command::new(tools::psql()?);
        psql.args(["--no-psqlrc", "--quiet", "--command", statement, "--dbname", "service=portcullis"]);
        run(psql, &self.server).map(drop)
    }
}

/// Runs a program of PostgreSQL's against a database; what it printed. The URL holds a password: not on the command line.
fn run(mut command: Command, url: &str) -> anyhow::Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let service = folder.path().join("pg_service.conf");
    crate::stack::write_private(&service, &service_file(url)?)?;
    command.stdin(Stdio::null()).env("PGSERVICEFILE", &service);
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    anyhow::ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.tell(&format!("drop database if exists {} with (force)", self.name)) {
            eprintln!("the database {} stays: {error:#}", self.name);
        }
    }
}

/// `postgres://USER:PASSWORD@HOST:PORT/DATABASE` as libpq's service file says it.
fn service_file(url: &str) -> anyhow::Result<String> {
    let form = "PORTCULLIS_TEST_POSTGRES is not `postgres://USER:PASSWORD@HOST:PORT/DATABASE`";
    let (_, rest) = url.split_once("://").context(form)?;
    let (user, rest) = rest.rsplit_once('@').context(form)?;
    let (host, database) = rest.split_once('/').context(form)?;
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let (host, port) = host.split_once(':').unwrap_or((host, "5432"));
    let lines = [("host", host), ("port", port), ("user", user), ("password", password), ("dbname", database)];
    let lines: String = lines.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    Ok(format!("[portcullis]\n{lines}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_comes_and_goes() {
        let database = Database::create("own_test").unwrap();
        assert!(database.url().unwrap().ends_with(&database.name));
        let again = database.tell(&format!("create database {}", database.name)).unwrap_err();
        assert!(again.to_string().contains("already exists"), "{again}");
        let (server, name) = (database.server.clone(), database.name.clone());
        drop(database);
        let gone = Database { server, name };
        gone.tell(&format!("create database {}", gone.name)).unwrap();
    }
}
