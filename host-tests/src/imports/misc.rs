//! Log, clock, timer, properties, local replies, stream control, foreign functions.

use wasmtime::{Caller, Linker};

use super::{Answer, Call, enter};
use crate::abi::Status;
use crate::guest::{Guest, LocalReply};
use crate::world::LogLine;
use crate::{pairs, property};

/// Above this Envoy itself aborts.
const CRITICAL: u32 = 5;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    log_and_time(linker)?;
    properties(linker)?;
    streams(linker)?;
    contexts(linker)
}

fn log_and_time(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_log", |caller: Caller<'_, Guest>, level: u32, text: u32, text_size: u32| {
        enter(caller, "proxy_log", |call| {
            let text = String::from_utf8_lossy(&call.read(text, text_size)?).into_owned();
            if level > CRITICAL {
                return Err(wasmtime::format_err!("log level {level} would abort Envoy").into());
            }
            let vm = call.guest().vm;
            call.guest().world().logs.push(LogLine { vm, level, text });
            Ok(())
        })
    })?;
    linker.func_wrap("env", "proxy_get_log_level", |caller: Caller<'_, Guest>, level_at: u32| {
        enter(caller, "proxy_get_log_level", |call| {
            let level = call.guest().world().log_level;
            call.write(level_at, &level.to_le_bytes())
        })
    })?;
    linker.func_wrap("env", "proxy_get_current_time_nanoseconds", |caller: Caller<'_, Guest>, time_at: u32| {
        enter(caller, "proxy_get_current_time_nanoseconds", |call| {
            // A real clock never shows the same time twice.
            call.guest().world().now_ns += 1;
            let now = call.guest().world().now_ns;
            call.write(time_at, &now.to_le_bytes())
        })
    })?;
    linker.func_wrap("env", "proxy_set_tick_period_milliseconds", |caller: Caller<'_, Guest>, period_ms: u32| {
        enter(caller, "proxy_set_tick_period_milliseconds", |call| {
            call.guest().root().ok_or(Status::BadArgument)?.tick_period_ms = period_ms;
            Ok(())
        })
    })?;
    Ok(())
}

fn properties(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_property",
        |caller: Caller<'_, Guest>, path: u32, path_size: u32, address_at: u32, size_at: u32| {
            enter(caller, "proxy_get_property", |call| {
                let path = call.read(path, path_size)?;
                let plugin = call.guest().plugin();
                let value = property::read(plugin.as_deref(), call.guest().stream().as_deref(), &path);
                call.give(&value.ok_or(Status::NotFound)?, address_at, size_at)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_property",
        |caller: Caller<'_, Guest>, path: u32, path_size: u32, value: u32, value_size: u32| {
            enter(caller, "proxy_set_property", |call| {
                let path = String::from_utf8_lossy(&call.read(path, path_size)?).into_owned();
                let value = call.read(value, value_size)?;
                call.guest().stream().ok_or(Status::NotFound)?.filter_state.insert(path, value);
                Ok(())
            })
        },
    )?;
    Ok(())
}

fn streams(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_send_local_response",
        |caller: Caller<'_, Guest>,
         status: u32,
         details: u32,
         details_size: u32,
         body: u32,
         body_size: u32,
         headers: u32,
         headers_size: u32,
         grpc_status: i32| {
            enter(caller, "proxy_send_local_response", |call| {
                let details = String::from_utf8_lossy(&call.read(details, details_size)?).replace(' ', "_");
                let body = call.read(body, body_size)?;
                let headers = pairs::read(&call.read(headers, headers_size)?);
                reply(call, LocalReply { status, details, body, headers, grpc_status });
                Ok(())
            })
        },
    )?;
    for (name, act) in [
        ("proxy_continue_stream", (|s| s.continued = true) as fn(&mut crate::guest::Stream)),
        ("proxy_close_stream", |s| s.closed = true),
    ] {
        linker.func_wrap("env", name, move |caller: Caller<'_, Guest>, stream: u32| {
            enter(caller, name, |call| {
                if stream > 1 {
                    return Err(Status::BadArgument.into());
                }
                call.guest().stream().into_iter().for_each(act);
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// Sent when the callback returns; the first one wins, and a root context has nobody to answer.
fn reply(call: &mut Call<'_>, reply: LocalReply) {
    if let Some(stream) = call.guest().stream() {
        stream.reply.get_or_insert(reply);
    }
}

fn contexts(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_set_effective_context", |caller: Caller<'_, Guest>, context: u32| {
        enter(caller, "proxy_set_effective_context", |call| {
            if !call.guest().exists(context) {
                return Err(Status::BadArgument.into());
            }
            call.guest().effective = Some(context);
            Ok(())
        })
    })?;
    linker.func_wrap("env", "proxy_done", |caller: Caller<'_, Guest>| {
        // Only a context whose on_done returned false may say it later; none is kept waiting here.
        enter(caller, "proxy_done", |_| Err(Status::NotFound.into()))
    })?;
    linker.func_wrap(
        "env",
        "proxy_call_foreign_function",
        |caller: Caller<'_, Guest>, name: u32, name_size: u32, data: u32, data_size: u32, address: u32, size: u32| {
            enter(caller, "proxy_call_foreign_function", |call| {
                let (name, _) = (call.read(name, name_size)?, call.read(data, data_size)?);
                foreign(call, &name)?;
                for at in [address, size].into_iter().filter(|at| *at != 0) {
                    call.write(at, &0u32.to_le_bytes())?;
                }
                Ok(())
            })
        },
    )?;
    Ok(())
}

fn foreign(call: &mut Call<'_>, name: &[u8]) -> Answer {
    if name != b"clear_route_cache" {
        return Err(Status::NotFound.into());
    }
    if let Some(stream) = call.guest().stream() {
        stream.route_cleared = true;
    }
    Ok(())
}
