//! What a VM has that sees answers: `portcullis-egress.wasm` exports this file's callbacks, `portcullis.wasm` none of them.
//!
//! Invariant: in a VM that was not started by the callback here, nothing is guarded, and nobody is told that it is.

use core::cell::RefCell;

use portcullis_engine::Reason;
use zeroize::Zeroizing;

use super::imports::{environ_get, environ_sizes_get};
use super::{CONTINUE, OK, PAUSE, Proxy, refusal};
use crate::guard::Guards;
use crate::host::{AnswerPart, Host as _};

/// What a VM with the callbacks of answers has.
pub(super) struct Egress {
    /// The variables that the proxy gives its VMs: `NAME=value`, each with a NUL at its end.
    pub(super) environment: Zeroizing<Vec<u8>>,
    pub(super) guards: Guards,
    /// The stream whose request is spoken of.
    pub(super) stream: u32,
}

thread_local! {
    /// `None` in a VM that has no callbacks for answers.
    static EGRESS: RefCell<Option<Egress>> = const { RefCell::new(None) };
}

/// Runs `with` on what a VM has that sees answers, or gives `otherwise`.
pub(super) fn egress<T>(otherwise: T, with: impl FnOnce(&mut Egress) -> T) -> T {
    EGRESS.with(|cell| match cell.try_borrow_mut().as_deref_mut() {
        Ok(Some(egress)) => with(egress),
        Ok(None) | Err(_) => otherwise,
    })
}

/// In place of `portcullis_on_vm_start`.
#[unsafe(no_mangle)]
extern "C" fn portcullis_egress_on_vm_start(_root: u32, _size: usize) -> u32 {
    let environment = Zeroizing::new(environment());
    EGRESS.with(|cell| {
        if let Ok(mut cell) = cell.try_borrow_mut() {
            // Another plugin of this VM may have streams.
            let guards = cell.take().map(|it| it.guards).unwrap_or_default();
            *cell = Some(Egress { environment, guards, stream: 0 });
        }
    });
    1
}

/// Every variable that the proxy gives its VMs.
fn environment() -> Vec<u8> {
    let (mut count, mut size) = (0, 0);
    // SAFETY: both places outlive the call, which writes four bytes to each.
    if unsafe { environ_sizes_get(&raw mut count, &raw mut size) } != OK {
        return Vec::new();
    }
    let (mut entries, mut buffer) = (vec![core::ptr::null_mut::<u8>(); count], vec![0; size]);
    // SAFETY: the places hold as many pointers and bytes as the host just said it writes.
    let status = unsafe { environ_get(entries.as_mut_ptr(), buffer.as_mut_ptr()) };
    if status == OK { buffer } else { Vec::new() }
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_egress_on_response_headers(stream: u32, _headers: usize, _end_of_stream: u32) -> u32 {
    look(stream, AnswerPart::Headers)
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_egress_on_response_trailers(stream: u32, _trailers: usize) -> u32 {
    look(stream, AnswerPart::Trailers)
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_egress_on_delete(stream: u32) {
    egress((), |egress| egress.guards.end(stream));
}

fn look(stream: u32, part: AnswerPart) -> u32 {
    if egress(true, |egress| egress.guards.look(&Proxy, stream, part)) {
        return CONTINUE;
    }
    Proxy.reply(&refusal(Reason::AnswersUnguarded));
    PAUSE
}
