//! Reading numbers and slices out of bytes without ever panicking.
//!
//! All integers are little-endian.

/// Bytes that are not what their place says they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct Malformed(pub &'static str);

/// The `N` bytes at `offset`.
pub(crate) fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk::<N>().copied()
}

/// The `u16` at `offset`.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<usize> {
    array(bytes, offset).map(|raw| usize::from(u16::from_le_bytes(raw)))
}

/// The `u32` at `offset`.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    array(bytes, offset).map(u32::from_le_bytes)
}

/// The `index`th slice of `data`, delimited by a table of `u32` end offsets.
pub(crate) fn slice_of<'a>(ends: &[u8], data: &'a [u8], index: usize) -> Option<&'a [u8]> {
    let start = match index.checked_sub(1) {
        Some(previous) => u32_at(ends, previous * 4)? as usize,
        None => 0,
    };
    data.get(start..u32_at(ends, index * 4)? as usize)
}
