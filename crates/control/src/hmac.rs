//! HMAC-SHA-256 (RFC 2104), for keys that are no longer than a block.
//!
//! It compares nothing: whoever verifies compares in constant time. Invariant: the parts count as one text.

use sha2::{Digest, Sha256};

const BLOCK: usize = 64;

/// Of parts, one behind the other. Of a longer key only the first 64 bytes count: nobody here has one.
pub(crate) fn sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; BLOCK];
        block.iter_mut().zip(key).for_each(|(to, from)| *to ^= from);
        block
    };
    let mut inner = Sha256::new().chain_update(pad(0x36));
    parts.iter().for_each(|part| inner.update(part));
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner.finalize()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, sections 4.2 to 4.4.
    #[test]
    fn it_is_what_the_rfc_says() {
        for (key, parts, expected) in [
            (
                &[0x0b; 20][..],
                &[&b"Hi"[..], b" ", b"There"][..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                &[b"what do ya want for nothing?"],
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[&[0xdd; 50]], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        ] {
            assert_eq!(hex::encode(sha256(key, parts)), expected);
        }
    }
}
