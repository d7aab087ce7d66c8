//! Of WASI preview 1 what a module asks its environment with. Envoy has more; a module that imports it does not load here.

use wasmtime::{Caller, Linker};

use super::{Answer, Call, enter};
use crate::guest::Guest;

const WASI: &str = "wasi_snapshot_preview1";

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(WASI, "environ_sizes_get", |caller: Caller<'_, Guest>, count_at: u32, size_at: u32| {
        enter(caller, "environ_sizes_get", |call| {
            let entries = entries(call);
            let size = entries.iter().map(Vec::len).sum();
            call.write(count_at, &number(entries.len()))?;
            call.write(size_at, &number(size))
        })
    })?;
    linker.func_wrap(WASI, "environ_get", |caller: Caller<'_, Guest>, places_at: u32, bytes_at: u32| {
        enter(caller, "environ_get", |call| write_entries(call, places_at, bytes_at))
    })?;
    Ok(())
}

fn write_entries(call: &mut Call<'_>, mut places_at: u32, mut bytes_at: u32) -> Answer {
    for entry in entries(call) {
        call.write(places_at, &bytes_at.to_le_bytes())?;
        call.write(bytes_at, &entry)?;
        places_at += 4;
        bytes_at += u32::try_from(entry.len()).unwrap_or(u32::MAX);
    }
    Ok(())
}

/// `NAME=value` with a NUL each.
fn entries(call: &mut Call<'_>) -> Vec<Vec<u8>> {
    let environment = &call.guest().world().environment;
    environment.iter().map(|(name, value)| format!("{name}={value}\0").into_bytes()).collect()
}

fn number(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}
