//! `portcullis-fuel`: one cost curve in instructions, as CSV on stdout.
//!
//! For `portcullis-e2e bench curve`. What it counts is the same on every machine; tests hold a few of its sizes to a baseline.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program: stdout is where its results go")]

use anyhow::{Context as _, Result, bail};
use portcullis_host_tests::{Instructions, Module};
use portcullis_testkit::Size;

const HINT: &str = "hint: portcullis-fuel keys|rules|scopes N,...";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [curve, sizes] = args.as_slice() else { bail!("which curve, and which sizes?\n{HINT}") };
    let module = Module::built()?;
    println!("{curve},fuel_cold,fuel_cached,fuel_known");
    for size in sizes.split(',') {
        let number = size.parse().with_context(|| format!("`{size}` is no size\n{HINT}"))?;
        let Instructions { cold, cached, known } = Instructions::of(sized(curve, number)?, &module)?;
        println!("{number},{cold},{cached},{known}");
    }
    Ok(())
}

fn sized(curve: &str, number: usize) -> Result<Size> {
    // Of keys there need not be many where it is something else that grows.
    let size = Size { keys: 1000, ..Size::default() };
    Ok(match curve {
        "keys" => Size { keys: number, ..size },
        "rules" => Size { rules: number, ..size },
        "scopes" => Size { scopes: number, ..size },
        other => bail!("no curve `{other}`\n{HINT}"),
    })
}
