//! `cargo xtask`: the project's own commands, one file each.
//!
//! It holds no product code and links none of ours. Invariant: what a command needs and the machine lacks is
//! fetched from a package registry with a line on stderr that says so; stdout carries only results.

#![forbid(unsafe_code)]

use std::process::ExitCode;

mod envoy;
mod postlink;
mod shell;
mod toolchain;
mod wasm;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  wasm [--trap] [--profile P]  build the module Envoy loads: target/portcullis.wasm
  envoy                        find or fetch Envoy; print its path
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> anyhow::Result<ExitCode> {
    let (command, rest) = args.split_first().map_or(("help", args), |(name, rest)| (name.as_str(), rest));
    match command {
        "wasm" => wasm::command(rest)?,
        "envoy" => shell::print_line(&envoy::provide()?.display().to_string()),
        "help" | "--help" | "-h" => shell::print_line(USAGE.trim_end()),
        other => anyhow::bail!("no command `{other}`\n\n{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}
