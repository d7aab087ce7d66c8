//! Numbers and byte strings as they stand in shared memory: little-endian, byte strings behind their length.
//!
//! Invariant: reading never panics; what is cut short or does not add up is `None`.

/// Reads one after another.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// At the beginning of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// So many bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    /// One byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A byte string.
    pub fn blob(&mut self) -> Option<&'a [u8]> {
        let len = self.u32()? as usize;
        let (blob, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(blob)
    }

    /// A byte string that is text.
    pub fn text(&mut self) -> Option<&'a str> {
        core::str::from_utf8(self.blob()?).ok()
    }
}

/// Appends a byte string.
pub fn put_blob(bytes: &mut Vec<u8>, blob: &[u8]) {
    bytes.extend(u32::try_from(blob.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(blob);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_and_nothing_beyond() {
        let mut bytes = vec![7];
        bytes.extend(8_u32.to_le_bytes());
        bytes.extend(9_u64.to_le_bytes());
        put_blob(&mut bytes, b"text");
        let read = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            Some((reader.u8()?, reader.u32()?, reader.u64()?, reader.text()?.to_owned()))
        };
        assert_eq!(read(&bytes), Some((7, 8, 9, "text".to_owned())));
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), None, "{cut}");
        }
    }
}
