//! `portcullis-e2e`: the demo stack, the end-to-end scenarios and the benches, all on a real Envoy.
//!
//! It builds nothing: `cargo xtask up|e2e|bench` build, find Envoy and hand both over. Invariant: however it ends,
//! no process that it started is left running.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program: stdout is where its results go")]
#![expect(clippy::indexing_slicing, reason = "indexing JSON cannot panic: what is not there is null")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod browser;
mod churn;
mod control;
mod counter;
mod database;
mod demand;
mod demo;
mod driven;
mod edge;
mod fleet;
mod gate;
mod http;
mod oauth;
mod ports;
mod process;
mod render;
mod report;
mod scenario;
mod stack;
mod tools;
mod up;
mod upstream;
mod visitor;
mod wait;
mod workers;

#[derive(Parser)]
#[command(name = "portcullis-e2e", about = "The demo stack, end-to-end scenarios and benches on a real Envoy")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run control plane, upstreams and Envoy in the foreground, with demo keys.
    Up(up::Up),
    /// Run a sample upstream: one side, in the foreground.
    Upstream(upstream::Upstream),
    /// Run a scenario; without a name, list them.
    Scenario(scenario::Scenario),
    /// Run a bench; without a name, list them.
    Bench(Box<bench::Bench>),
    /// Print a file with its ${NAME:-default} filled in from the environment.
    Render(render::Render),
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let work = async {
        match args.command {
            Command::Up(up) => up.run().await,
            Command::Upstream(upstream) => upstream.run().await,
            Command::Scenario(scenario) => scenario.run().await,
            Command::Bench(bench) => bench.run().await,
            Command::Render(render) => render.run(),
        }
    };
    // A signal drops the work where it stands, and with it every process that it started.
    let result = tokio::select! {
        result = work => result,
        signal = wait::signal() => signal.map(|code| {
            eprintln!("stopping");
            ExitCode::from(code)
        }),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
