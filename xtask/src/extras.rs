//! What only some suites need beyond a stack, provided once and only when it is needed.
//!
//! It knows which variable each thing is handed over in. Invariant: a cluster that was started here ends with this.

use std::path::PathBuf;

use crate::postgres::Cluster;
use crate::wasm::{self, Module};
use crate::{axe, chromium, postgres, python, schemathesis, valgrind};

/// Something that not every suite needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The module that can be trapped.
    Trap,
    /// The filter that does nothing.
    Noop,
    /// A Chromium, its driver, and axe-core.
    Browser,
    /// A PostgreSQL cluster.
    Postgres,
    /// What counts instructions.
    Valgrind,
    /// The schemathesis command.
    Schemathesis,
    /// A Python with what the clients in it need.
    Python,
}

/// What has been provided so far.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    provided: Vec<Need>,
    variables: Vec<(&'static str, PathBuf)>,
    cluster: Option<Cluster>,
}

impl Extras {
    /// Provides what is not there yet.
    pub(crate) fn provide(&mut self, needs: &[Need]) -> anyhow::Result<()> {
        for need in needs {
            if !self.provided.contains(need) {
                self.add(*need)?;
                self.provided.push(*need);
            }
        }
        Ok(())
    }

    /// What tells a command where it all is.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        let url = self.cluster.as_ref().map(|cluster| ("PORTCULLIS_TEST_POSTGRES", cluster.url().into()));
        self.variables.iter().cloned().chain(url)
    }

    fn add(&mut self, need: Need) -> anyhow::Result<()> {
        match need {
            Need::Trap => self.variables.push(("PORTCULLIS_TRAP_WASM", wasm::build(Module::TRAP)?)),
            Need::Noop => self.variables.push(("PORTCULLIS_NOOP_WASM", wasm::build_noop()?)),
            Need::Valgrind => valgrind::provide()?,
            Need::Schemathesis => self.variables.push(("PORTCULLIS_SCHEMATHESIS", schemathesis::provide()?)),
            Need::Python => self.variables.push(("PORTCULLIS_PYTHON", python::provide()?)),
            Need::Browser => {
                let found = chromium::provide()?;
                let variables = [("CHROMIUM", found.browser), ("CHROMEDRIVER", found.driver)];
                self.variables.extend(variables);
                self.variables.push(("PORTCULLIS_AXE", axe::provide()?));
            }
            Need::Postgres => {
                let bin = postgres::provide()?;
                self.cluster = Some(Cluster::start(&bin)?);
                self.variables.push(("PORTCULLIS_PG_BIN", bin));
            }
        }
        Ok(())
    }
}
