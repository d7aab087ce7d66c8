//! Metrics: defined per VM, counted per process.

use wasmtime::{Caller, Linker};

use super::enter;
use crate::guest::Guest;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_define_metric",
        |caller: Caller<'_, Guest>, kind: u32, name: u32, name_size: u32, id_at: u32| {
            enter(caller, "proxy_define_metric", |call| {
                let name = call.read(name, name_size)?;
                let guest = call.guest();
                let id = guest.metric_ids.define(&mut guest.world.borrow_mut().stats, kind, &name)?;
                call.write(id_at, &id.to_le_bytes())
            })
        },
    )?;
    linker.func_wrap("env", "proxy_increment_metric", |caller: Caller<'_, Guest>, id: u32, offset: i64| {
        enter(caller, "proxy_increment_metric", |call| {
            let guest = call.guest();
            Ok(guest.metric_ids.increment(&mut guest.world.borrow_mut().stats, id, offset)?)
        })
    })?;
    linker.func_wrap("env", "proxy_record_metric", |caller: Caller<'_, Guest>, id: u32, sample: u64| {
        enter(caller, "proxy_record_metric", |call| {
            let guest = call.guest();
            Ok(guest.metric_ids.record(&mut guest.world.borrow_mut().stats, id, sample)?)
        })
    })?;
    linker.func_wrap("env", "proxy_get_metric", |caller: Caller<'_, Guest>, id: u32, value_at: u32| {
        enter(caller, "proxy_get_metric", |call| {
            let guest = call.guest();
            let value = guest.metric_ids.get(&mut guest.world.borrow_mut().stats, id)?;
            call.write(value_at, &value.to_le_bytes())
        })
    })?;
    Ok(())
}
