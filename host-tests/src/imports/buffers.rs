//! Buffers: configuration while configuring, a callout's body while its reply is delivered.

use wasmtime::{Caller, Linker};

use super::{Answer, Call, enter};
use crate::abi::{BufferType, Status};
use crate::guest::Guest;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_buffer_bytes",
        |caller: Caller<'_, Guest>, kind: u32, start: u32, length: u32, address_at: u32, size_at: u32| {
            enter(caller, "proxy_get_buffer_bytes", |call| {
                let bytes = buffer(call, kind)?;
                let rest = bytes.get(start as usize..).unwrap_or_default();
                let part = rest.get(..length as usize).unwrap_or(rest);
                call.give(part, address_at, size_at)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_buffer_status",
        |caller: Caller<'_, Guest>, kind: u32, size_at: u32, flags_at: u32| {
            enter(caller, "proxy_get_buffer_status", |call| {
                let size = u32::try_from(buffer(call, kind)?.len()).unwrap_or(u32::MAX);
                call.write(size_at, &size.to_le_bytes())?;
                call.write(flags_at, &0u32.to_le_bytes())
            })
        },
    )?;
    Ok(())
}

fn buffer(call: &mut Call<'_>, kind: u32) -> Answer<Vec<u8>> {
    let kind = BufferType::try_from(kind)?;
    let root = call.guest().root().ok_or(Status::NotFound)?;
    let bytes = match kind {
        BufferType::CalloutBody => root.reply.as_ref().map(|reply| reply.body.clone()),
        BufferType::VmConfiguration => Some(root.plugin.vm_configuration.clone()),
        BufferType::PluginConfiguration if root.configuring => Some(root.plugin.configuration.clone()),
        BufferType::PluginConfiguration | BufferType::Absent => None,
    };
    Ok(bytes.ok_or(Status::NotFound)?)
}
