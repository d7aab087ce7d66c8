//! A Chromium and the chromedriver that drives it, found or installed.
//!
//! `$CHROMIUM` and `$CHROMEDRIVER`, else PATH, else Debian's packages. Invariant: what is returned has answered
//! `--version`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use crate::{debian, shell};

/// Without a font, text is drawn as boxes.
const PACKAGES: [&str; 3] = ["chromium", "chromium-driver", "fonts-dejavu-core"];
const HINT: &str = "hint: set CHROMIUM and CHROMEDRIVER to a Chromium and its chromedriver, or put `chromium` and \
                    `chromedriver` on PATH, or install Debian's packages chromium and chromium-driver";

/// A browser and its driver.
#[derive(Clone, Debug)]
pub(crate) struct Chromium {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
}

/// A Chromium that starts.
pub(crate) fn provide() -> anyhow::Result<Chromium> {
    let found = match found() {
        Some(found) => found,
        None => {
            debian::install(&PACKAGES).context(HINT)?;
            found().context("Debian's packages are installed, but there is no Chromium").context(HINT)?
        }
    };
    for program in [&found.browser, &found.driver] {
        let answer = shell::read(Command::new(program).arg("--version"));
        answer.with_context(|| format!("`{}` does not start\n{HINT}", program.display()))?;
    }
    Ok(found)
}

fn found() -> Option<Chromium> {
    let named = |variable| std::env::var_os(variable).map(PathBuf::from);
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let browser = named("CHROMIUM").or_else(|| browsers.into_iter().find_map(shell::on_path))?;
    let driver = named("CHROMEDRIVER").or_else(|| shell::on_path("chromedriver"))?;
    Some(Chromium { browser, driver })
}
