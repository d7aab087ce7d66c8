//! The host calls a module may import, one file per subject.
//!
//! Envoy offers more. A module may import that too, but calling it traps: it would be tested against a guess. What not
//! even Envoy has keeps a module from loading, and so does WASI beyond the environment. Invariant: every call is counted and refused while
//! restricted.

mod buffers;
mod callouts;
mod headers;
mod metrics;
mod misc;
mod shared;
mod wasi;

use wasmtime::{Caller, Extern, ExternType, Linker, Memory};

use crate::abi::Status;
use crate::guest::Guest;

/// What Envoy has and this host only names: shared queues, gRPC, writing bodies.
const NOT_EMULATED: [&str; 11] = [
    "proxy_dequeue_shared_queue",
    "proxy_enqueue_shared_queue",
    "proxy_get_status",
    "proxy_grpc_call",
    "proxy_grpc_cancel",
    "proxy_grpc_close",
    "proxy_grpc_send",
    "proxy_grpc_stream",
    "proxy_register_shared_queue",
    "proxy_resolve_shared_queue",
    "proxy_set_buffer_bytes",
];

/// Every host call, by its import name.
pub(crate) fn linker(module: &wasmtime::Module) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(module.engine());
    buffers::link(&mut linker)?;
    callouts::link(&mut linker)?;
    headers::link(&mut linker)?;
    metrics::link(&mut linker)?;
    misc::link(&mut linker)?;
    shared::link(&mut linker)?;
    wasi::link(&mut linker)?;
    for import in module.imports() {
        let known = NOT_EMULATED.iter().find(|name| import.module() == "env" && import.name() == **name);
        if let (Some(name), ExternType::Func(signature)) = (known, import.ty()) {
            let refuse = move |_: Caller<'_, Guest>, _: &[_], _: &mut [_]| wasmtime::bail!("`{name}` is not emulated");
            linker.func_new("env", name, signature, refuse)?;
        }
    }
    Ok(linker)
}

/// Why a host call ends early: with a status for the guest, or with the guest trapped.
enum Stop {
    Status(Status),
    Trap(wasmtime::Error),
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<wasmtime::Error> for Stop {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

type Answer<T = ()> = Result<T, Stop>;

/// Runs one host call: counts it, refuses it where Envoy would, turns its answer into a status.
fn enter(
    mut caller: Caller<'_, Guest>,
    name: &'static str,
    body: impl FnOnce(&mut Call<'_>) -> Answer,
) -> wasmtime::Result<u32> {
    let guest = caller.data_mut();
    *guest.host_calls.entry(name).or_default() += 1;
    if let Some(why) = guest.restricted
        && name != "proxy_log"
    {
        wasmtime::bail!("restricted_callback: `{name}` was called during {why}");
    }
    match body(&mut Call(caller)) {
        Ok(()) => Ok(Status::Ok as u32),
        Err(Stop::Status(status)) => Ok(status as u32),
        Err(Stop::Trap(error)) => Err(error),
    }
}

/// A host call in progress: the guest's memory and state.
struct Call<'a>(Caller<'a, Guest>);

impl Call<'_> {
    fn guest(&mut self) -> &mut Guest {
        self.0.data_mut()
    }

    fn memory(&mut self) -> Answer<Memory> {
        let memory = self.0.get_export("memory").and_then(Extern::into_memory);
        memory.ok_or(Stop::Status(Status::InvalidMemoryAccess))
    }

    fn read(&mut self, at: u32, size: u32) -> Answer<Vec<u8>> {
        let (memory, at, size) = (self.memory()?, at as usize, size as usize);
        let bytes = memory.data(&self.0).get(at..).and_then(|rest| rest.get(..size));
        bytes.map(<[u8]>::to_vec).ok_or(Stop::Status(Status::InvalidMemoryAccess))
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Answer {
        let memory = self.memory()?;
        let written = memory.write(&mut self.0, at as usize, bytes);
        written.map_err(|_| Stop::Status(Status::InvalidMemoryAccess))
    }

    /// Hands bytes to the guest in memory from its own allocator; no bytes are address 0, size 0.
    fn give(&mut self, bytes: &[u8], address_at: u32, size_at: u32) -> Answer {
        let size = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        let address = if size == 0 { 0 } else { self.allocate(size)? };
        self.write(address, bytes)?;
        self.write(address_at, &address.to_le_bytes())?;
        self.write(size_at, &size.to_le_bytes())
    }

    fn allocate(&mut self, size: u32) -> Answer<u32> {
        let named = |call: &mut Self, name| call.0.get_export(name).and_then(Extern::into_func);
        let allocator = named(self, "malloc").or_else(|| named(self, "proxy_on_memory_allocate"));
        let allocator = allocator.ok_or(Status::InvalidMemoryAccess)?.typed::<u32, u32>(&self.0)?;
        self.guest().restricted = Some("memory allocation");
        let address = allocator.call(&mut self.0, size)?;
        self.guest().restricted = None;
        if address == 0 { Err(Status::InvalidMemoryAccess.into()) } else { Ok(address) }
    }
}
