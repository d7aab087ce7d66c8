//! A token's header: `alg`, `typ` and `kid`, and what makes it unacceptable whatever else it says.
//!
//! Other members mean nothing and are passed over (RFC 7515, section 4). Invariant: a header that could lead a reader
//! to another key, or to other bytes than those that are signed, is refused.

use alloc::string::String;

use crate::json::{self, Json};
use crate::jwk::Algorithm;
use crate::verify::Refusal;

/// Keys in the token (`jwk`, `x5c`) and addresses of keys are the attacker's choice; extensions, compression, unencoded
/// payloads (RFC 7797) and encryption are not spoken here.
const REFUSED: [&str; 8] = ["crit", "jwk", "jku", "x5u", "x5c", "zip", "b64", "enc"];

/// A header.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    /// In lower case and without `application/`; `jwt` if there was none.
    pub(crate) typ: String,
    pub(crate) kid: Option<String>,
}

impl Header {
    /// Reads the first part of a token.
    pub(crate) fn read(part: &[u8]) -> Result<Self, Refusal> {
        let header = json::read_part(part).ok_or(Refusal::Malformed)?;
        if REFUSED.iter().any(|name| header.contains_key(*name)) {
            return Err(Refusal::Critical);
        }
        let algorithm = header.get("alg").and_then(Json::text).and_then(Algorithm::parse).ok_or(Refusal::Algorithm)?;
        let typ = match header.get("typ") {
            None => "jwt".into(),
            Some(typ) => media_type(typ.text().ok_or(Refusal::Type)?),
        };
        let kid = match header.get("kid") {
            None => None,
            Some(kid) => Some(kid.text().ok_or(Refusal::Malformed)?.into()),
        };
        Ok(Self { algorithm, typ, kid })
    }
}

/// Media types know no case, and `application/` may be left out (RFC 7515, section 4.1.9).
fn media_type(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    text.strip_prefix("application/").map_or_else(|| text.clone(), Into::into)
}
