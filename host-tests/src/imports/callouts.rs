//! HTTP callouts: checked and queued here, answered by the test through `Process::answer`.

use std::time::Duration;

use wasmtime::{Caller, Linker};

use super::{Answer, enter};
use crate::abi::Status;
use crate::guest::Guest;
use crate::headers::Headers;
use crate::pairs;
use crate::world::{Callout, Cluster};

/// Token numbers leave room for other kinds of call between them.
const TOKEN_STEP: u32 = 4;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_http_call",
        |caller: Caller<'_, Guest>,
         cluster: u32,
         cluster_size: u32,
         headers: u32,
         headers_size: u32,
         body: u32,
         body_size: u32,
         trailers: u32,
         trailers_size: u32,
         timeout_ms: u32,
         token_at: u32| {
            enter(caller, "proxy_http_call", |call| {
                let cluster = call.read(cluster, cluster_size)?;
                let headers = pairs::read(&call.read(headers, headers_size)?).into_iter().collect();
                let body = call.read(body, body_size)?;
                call.read(trailers, trailers_size)?;
                call.write(token_at, &0u32.to_le_bytes())?;
                let token = dispatch(call.guest(), &cluster, headers, body, timeout_ms)?;
                call.write(token_at, &token.to_le_bytes())
            })
        },
    )?;
    Ok(())
}

/// Queues the call on the root context, whatever context asked for it.
fn dispatch(guest: &mut Guest, cluster: &[u8], headers: Headers, body: Vec<u8>, timeout_ms: u32) -> Answer<u32> {
    if timeout_ms > i32::MAX.cast_unsigned() {
        return Err(Status::BadArgument.into());
    }
    let cluster = String::from_utf8_lossy(cluster).into_owned();
    let health = guest.world().clusters.get(&cluster).copied().ok_or(Status::BadArgument)?;
    if [":method", ":path", ":authority"].iter().any(|required| headers.get(required).is_none()) {
        return Err(Status::BadArgument.into());
    }
    guest.last_callout += TOKEN_STEP;
    if health == Cluster::Empty {
        return Err(Status::InternalFailure.into());
    }
    let (vm, generation, root, token) = (guest.vm, guest.generation, guest.root_id(), guest.last_callout);
    let timeout = Duration::from_millis(timeout_ms.into());
    let mut world = guest.world();
    world.last_callout += 1;
    let id = world.last_callout;
    world.callouts.push(Callout { id, vm, cluster, headers, body, timeout, generation, root, token });
    Ok(token)
}
