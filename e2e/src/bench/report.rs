//! `bench report`: a run's data as plots and a page.
//!
//! It measures nothing and reads nothing but the run's folder. Invariant: the same data give the same bytes, so that whoever
//! changes either notices (`--check`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use self::data::Run;
use crate::tools;

mod bars;
mod canvas;
mod data;
mod figures;
mod goals;
mod lines;
mod page;
mod plots;
mod scale;

/// Which run, and what becomes of it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Source {
    /// report: the run's folder; the newest of benches/runs if absent.
    #[arg(long, value_name = "FOLDER")]
    run: Option<PathBuf>,
    /// report: writes nothing, and fails if what is there is not what the data give.
    #[arg(long)]
    check: bool,
}

pub(super) fn run(options: &Source) -> anyhow::Result<()> {
    let runs = tools::root()?.join("benches/runs");
    let Some(folder) = options.run.clone().or_else(|| newest(&runs)) else {
        anyhow::ensure!(options.check, "no runs in `{}`\nhint: `cargo xtask bench all` makes one", runs.display());
        println!("no runs in `{}`: there is nothing to check", runs.display());
        return Ok(());
    };
    let files = render(&Run::read(&folder)?);
    if options.check {
        return check(&folder, &files);
    }
    for (name, text) in &files {
        std::fs::write(folder.join(name), text).with_context(|| format!("cannot write `{name}`"))?;
    }
    println!("{}", folder.join(page::FILE).display());
    Ok(())
}

/// Every file of a report, by its name.
fn render(run: &Run) -> BTreeMap<String, String> {
    let plots = plots::all(run);
    let page = page::render(run, &plots);
    let drawn = plots.into_iter().map(|plot| (plot.file(), plot.svg));
    drawn.chain([(page::FILE.to_owned(), page)]).collect()
}

fn check(folder: &Path, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let is_same = |(name, text): &(&String, &String)| {
        std::fs::read_to_string(folder.join(name)).is_ok_and(|there| there == **text)
    };
    let stale = files.iter().filter(|it| !is_same(it)).map(|(name, _)| name.clone());
    let stale: Vec<_> = stale.chain(plots_in(folder).filter(|name| !files.contains_key(name))).collect();
    anyhow::ensure!(
        stale.is_empty(),
        "not what the data of `{}` give: {}\nhint: `cargo xtask bench report` writes them",
        folder.display(),
        stale.join(", ")
    );
    println!("{} files of `{}` are what its data give", files.len(), folder.display());
    Ok(())
}

fn plots_in(folder: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|it| it.file_name().into_string().ok()).filter(|name| name.ends_with(".svg"))
}

/// Runs are called by their dates.
fn newest(runs: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(runs).ok()?.filter_map(|it| Some(it.ok()?.path()));
    folders.filter(|it| it.is_dir()).max()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Run {
        let variants = json!({
            "portcullis": { "x_noop": 1.6, "added_us": 7.5 },
            "rejected": { "x_noop": 1.2, "added_us": 6.0 },
        });
        Run::of(json!({ "date": "2026-01-15", "cores": 2 }))
            .with_table("keys", "keys,us_added,fuel_known,propagation_ms_p99\n1000,5,12000,200\n1000000,6,15000,\n")
            .with_table("lookup", "keys,ns\n1000,70\n1000000,80\n")
            .with_figures("envoy", json!({ "variants": variants }))
    }

    #[test]
    fn the_same_data_give_the_same_files() {
        let files = render(&sample());
        assert_eq!(files, render(&sample()));
        let names: Vec<_> = files.keys().map(String::as_str).collect();
        let expected =
            ["README.md", "compared.svg", "keys-cpu.svg", "keys-instructions.svg", "keys-news.svg", "lookup.svg"];
        assert_eq!(names, expected, "a plot of each thing that was measured");
    }

    #[test]
    fn nothing_is_written_into_a_folder_that_is_no_run() {
        let folder = tempfile::tempdir().unwrap();
        let options = Source { run: Some(folder.path().to_owned()), check: false };
        let refused = super::run(&options).unwrap_err().to_string();
        assert!(refused.contains("is no run: it has no machine.json\nhint: "), "{refused}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn goals_are_met_missed_or_not_measured() {
        let files = render(&sample());
        let page = &files[page::FILE];
        let found = |line: &str| assert!(page.lines().any(|it| it == line), "{line} is not in\n{page}");
        found("| portcullis adds, in no-ops | 1.60 | 1.5 | **missed** |");
        found("| a request that is refused adds, over one that is let through | 0.80 | 1 | met |");
        found("| rejected | 6.0 | 1.2 |");
        found("| a lookup natively, the most keys over the fewest | 1.14 | 1.2 | met |");
        found("| instructions for a key first seen, the most keys over the fewest |  | 1.2 | not measured |");
    }

    #[test]
    fn one_size_says_nothing_about_growth() {
        let page = &render(&Run::default().with_table("lookup", "keys,ns\n1000,70\n"))[page::FILE];
        assert!(
            page.contains("| a lookup natively, the most keys over the fewest |  | 1.2 | not measured |"),
            "{page}"
        );
    }

    #[test]
    fn a_step_that_failed_is_on_the_page() {
        let step = json!({ "step": "envoy", "command": "cargo xtask bench envoy", "commit": "abc", "outcome": "failed", "seconds": 3 });
        let mut run = sample();
        run.steps = json!([step]);
        let page = &render(&run)[page::FILE];
        assert!(page.contains("| `cargo xtask bench envoy` | abc | 3 | failed |"), "{page}");
    }

    #[test]
    fn the_newest_run_is_the_one_of_the_last_date() {
        let runs = tempfile::tempdir().unwrap();
        assert_eq!(newest(runs.path()), None, "no run is no error");
        for date in ["2026-01-15", "2026-10-02", "2026-09-30"] {
            std::fs::create_dir(runs.path().join(date)).unwrap();
        }
        assert_eq!(newest(runs.path()), Some(runs.path().join("2026-10-02")));
        assert_eq!(newest(&runs.path().join("elsewhere")), None);
    }

    #[test]
    fn a_report_that_is_not_what_the_data_give_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let files = render(&sample());
        files.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
        check(folder.path(), &files).unwrap();
        std::fs::write(folder.path().join("lookup.svg"), "edited").unwrap();
        let error = check(folder.path(), &files).unwrap_err().to_string();
        assert!(error.contains("give: lookup.svg"), "{error}");
        std::fs::write(folder.path().join("lookup.svg"), &files["lookup.svg"]).unwrap();
        std::fs::write(folder.path().join("of-another-run.svg"), "").unwrap();
        let error = check(folder.path(), &files).unwrap_err().to_string();
        assert!(error.contains("give: of-another-run.svg"), "{error}");
    }
}
