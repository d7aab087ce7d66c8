//! `cargo xtask`: the project's own commands, one file each.
//!
//! It holds no product code and links none of ours. Invariant: what a command needs and the machine lacks is
//! fetched from a package registry with a line on stderr that says so; stdout carries only results.

#![forbid(unsafe_code)]

use std::process::ExitCode;

mod arrows;
mod axe;
mod bench;
mod binaryen;
mod children;
mod chromium;
mod ci;
mod debian;
mod envoy;
mod extras;
mod postgres;
mod postlink;
mod python;
mod schemathesis;
mod shell;
mod stack;
mod test;
mod tidy;
mod toolchain;
mod valgrind;
mod venv;
mod wasm;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  up [--preset P] [...]        run control plane, upstreams and Envoy with demo keys; --help for more
  test                         everything: unit, corpus, wasm host, end to end on a real Envoy
  e2e [NAME] [--json] [...]    one end-to-end scenario; without a name, list them
  bench [NAME] [--json] [...]  one bench; without a name, list them
  ci                           what .ci/run runs: fmt, tidy, arrows, clippy, doc, then test

  wasm [--trap] [--profile P]  build the module Envoy loads: target/portcullis.wasm
  envoy                        find or fetch Envoy; print its path
  python                       check the Python SDK: ruff, mypy, its tests
  tidy                         check the habits of docs/STYLE.md that no compiler checks
  arrows                       check which crate depends on which
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match children::end_with_us().and_then(|()| dispatch(&args)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> anyhow::Result<ExitCode> {
    let (command, rest) = args.split_first().map_or(("help", args), |(name, rest)| (name.as_str(), rest));
    if ["test", "ci", "envoy", "python", "tidy", "arrows"].contains(&command) {
        shell::no_more(rest)?;
    }
    match command {
        "up" => return stack::up(rest),
        "test" => return test::command(),
        "e2e" => return stack::e2e(rest),
        "bench" => return bench::command(rest),
        "ci" => return ci::command(),
        "wasm" => wasm::command(rest)?,
        "envoy" => shell::print_line(&envoy::provide()?.display().to_string()),
        "python" => return python::command(),
        "tidy" => tidy::check()?,
        "arrows" => arrows::check()?,
        "help" | "--help" | "-h" => shell::print_line(USAGE.trim_end()),
        other => anyhow::bail!("no command `{other}`\n\n{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}
