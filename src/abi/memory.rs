//! Memory that the proxy fills: its allocator here, and how what it wrote becomes ours.
//!
//! Each request needs one piece, for its headers; the last one's is kept and lent again, which is half the price of taking memory
//! and giving it back. Invariant: what is lent is nobody else's until it was taken back, and every piece is freed with the size that
//! it was made with.

use core::cell::Cell;

use super::OK;

/// No more is kept for the next request.
const MOST_KEPT: usize = 64 << 10;

/// What was lent last.
#[derive(Clone, Copy)]
struct Lent {
    address: usize,
    /// What was asked for: beyond it stands what an earlier request left.
    size: usize,
    capacity: usize,
}

const NOTHING: Lent = Lent { address: 0, size: 0, capacity: 0 };

thread_local! {
    /// What is lent next if it is large enough.
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static LENT: Cell<Lent> = const { Cell::new(NOTHING) };
}

/// In place of the SDK's `malloc`.
#[unsafe(no_mangle)]
extern "C" fn portcullis_malloc(size: usize) -> *mut u8 {
    let kept = KEPT.take();
    let piece = if kept.capacity() >= size { kept } else { Vec::with_capacity(size) };
    let mut piece = core::mem::ManuallyDrop::new(piece);
    LENT.set(Lent { address: piece.as_mut_ptr() as usize, size, capacity: piece.capacity() });
    piece.as_mut_ptr()
}

/// Keeps a piece for the next request.
pub(super) fn keep(mut piece: Vec<u8>) {
    if piece.capacity() <= MOST_KEPT {
        piece.clear();
        KEPT.set(piece);
    }
}

/// Calls a host function that returns bytes; `None` unless it says OK.
pub(super) fn bytes(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Option<Vec<u8>> {
    LENT.set(NOTHING);
    let (mut data, mut size) = (core::ptr::null_mut(), 0);
    let status = call(&raw mut data, &raw mut size);
    (status == OK).then(|| take(data, size))
}

/// What the host wrote into the piece that it was lent last.
fn take(data: *mut u8, size: usize) -> Vec<u8> {
    let lent = LENT.replace(NOTHING);
    if data.is_null() || data as usize != lent.address || size > lent.size {
        // It asks for memory once a call, for that very result; of anything else nothing is known, and it is not freed.
        return Vec::new();
    }
    // SAFETY: `data` is a vector of `capacity` bytes that was let go of when it was lent; the host filled `size` of them and handed
    // it over, and as it stands in `LENT` no more, nobody else takes or frees it.
    unsafe { Vec::from_raw_parts(data, size, lent.capacity) }
}
