//! Base64url without padding (RFC 7515, section 2), one text for each bytes.
//!
//! It knows nothing of what it decodes. Invariant: [`decode`] takes only what [`encode`] makes: no padding, no
//! whitespace, no bits behind the last byte that are not zero.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text of these bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of this text.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
