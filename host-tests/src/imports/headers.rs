//! Header maps: read and changed only in their phase.

use wasmtime::{Caller, Linker};

use super::enter;
use crate::abi::{MapType, Status};
use crate::guest::{Guest, Phase};
use crate::headers::Headers;
use crate::pairs;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    readers(linker)?;
    writers(linker)
}

fn readers(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_header_map_value",
        |caller: Caller<'_, Guest>, map: u32, name: u32, name_size: u32, address_at: u32, size_at: u32| {
            enter(caller, "proxy_get_header_map_value", |call| {
                let map = MapType::try_from(map)?;
                let name = call.read(name, name_size)?.to_ascii_lowercase();
                let value = value(call.guest(), map, &name)?;
                call.give(&value, address_at, size_at)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_header_map_pairs",
        |caller: Caller<'_, Guest>, map: u32, address_at: u32, size_at: u32| {
            enter(caller, "proxy_get_header_map_pairs", |call| {
                let map = MapType::try_from(map)?;
                let present = call.guest().readable(map).filter(|headers| !headers.is_empty());
                let wire = present.map(Headers::to_wire).unwrap_or_default();
                call.give(&wire, address_at, size_at)
            })
        },
    )?;
    linker.func_wrap("env", "proxy_get_header_map_size", |caller: Caller<'_, Guest>, map: u32, size_at: u32| {
        enter(caller, "proxy_get_header_map_size", |call| {
            let headers = call.guest().readable(MapType::try_from(map)?).ok_or(Status::BadArgument)?;
            let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
            call.write(size_at, &u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes())
        })
    })?;
    Ok(())
}

/// The first entry only, which is why duplicates must be looked for in the whole map.
fn value(guest: &mut Guest, map: MapType, name: &[u8]) -> Result<Vec<u8>, Status> {
    let logging = guest.stream().is_some_and(|stream| stream.phase == Phase::Log);
    let absent = if logging { Status::NotFound } else { Status::BadArgument };
    let headers = guest.readable(map).ok_or(absent)?;
    headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_vec()).ok_or(Status::NotFound)
}

fn writers(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_add_header_map_value",
        |caller: Caller<'_, Guest>, map: u32, name: u32, name_size: u32, value: u32, value_size: u32| {
            enter(caller, "proxy_add_header_map_value", |call| {
                let (name, value) = (call.read(name, name_size)?, call.read(value, value_size)?);
                call.guest().writable(MapType::try_from(map)?)?.add(name, value);
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_replace_header_map_value",
        |caller: Caller<'_, Guest>, map: u32, name: u32, name_size: u32, value: u32, value_size: u32| {
            enter(caller, "proxy_replace_header_map_value", |call| {
                let (name, value) = (call.read(name, name_size)?, call.read(value, value_size)?);
                call.guest().writable(MapType::try_from(map)?)?.replace(&name, &value);
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_remove_header_map_value",
        |caller: Caller<'_, Guest>, map: u32, name: u32, name_size: u32| {
            enter(caller, "proxy_remove_header_map_value", |call| {
                let name = call.read(name, name_size)?;
                call.guest().writable(MapType::try_from(map)?)?.remove(&name);
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_header_map_pairs",
        |caller: Caller<'_, Guest>, map: u32, pairs: u32, pairs_size: u32| {
            enter(caller, "proxy_set_header_map_pairs", |call| {
                let pairs = pairs::read(&call.read(pairs, pairs_size)?);
                *call.guest().writable(MapType::try_from(map)?)? = pairs.into_iter().collect();
                Ok(())
            })
        },
    )?;
    Ok(())
}
