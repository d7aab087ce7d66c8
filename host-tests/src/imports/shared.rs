//! Shared data: the guest's side of the process-wide map.

use wasmtime::{Caller, Linker};

use super::enter;
use crate::guest::Guest;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_shared_data",
        |caller: Caller<'_, Guest>, key: u32, key_size: u32, address_at: u32, size_at: u32, cas_at: u32| {
            enter(caller, "proxy_get_shared_data", |call| {
                let key = call.read(key, key_size)?;
                let (value, cas) = call.guest().world().shared.get(&key)?;
                call.give(&value, address_at, size_at)?;
                call.write(cas_at, &cas.to_le_bytes())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_shared_data",
        |caller: Caller<'_, Guest>, key: u32, key_size: u32, value: u32, value_size: u32, cas: u32| {
            enter(caller, "proxy_set_shared_data", |call| {
                let (key, value) = (call.read(key, key_size)?, call.read(value, value_size)?);
                Ok(call.guest().world().shared.set(&key, &value, cas)?)
            })
        },
    )?;
    Ok(())
}
