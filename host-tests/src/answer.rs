//! How callouts end, and what a guest sees of each ending.
//!
//! Envoy makes up answers of its own that look like real ones; the table is measured on Envoy 1.40.

use crate::guest::CalloutReply;
use crate::headers::Headers;

/// Larger callout bodies fail in Envoy (`http.async_response_buffer_limit`).
const CALLOUT_BODY_LIMIT: usize = 32 * 1024 * 1024;

/// How a callout ends.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The upstream answered.
    Response {
        /// `:status`.
        status: u16,
        /// Other headers.
        headers: Vec<(String, String)>,
        /// Body; over 32 MiB it becomes a reset, as in Envoy.
        body: Vec<u8>,
    },
    /// Cut off in the middle: the guest is called with no headers at all.
    Reset,
    /// Envoy made the answer up: 503 could not connect, 504 timed out.
    Synthetic(u16),
}

impl Answer {
    /// What the guest may read while it is called back; nothing after a reset.
    pub(crate) fn into_reply(self) -> Option<CalloutReply> {
        let (status, headers, body) = match self {
            Self::Reset => return None,
            Self::Response { body, .. } if body.len() > CALLOUT_BODY_LIMIT => return None,
            Self::Response { status, headers, body } => (status, headers, body),
            Self::Synthetic(status) => {
                let body =
                    if status == 504 { "upstream request timeout" } else { "upstream connect error or disconnect" };
                let headers = [("content-length", body.len().to_string()), ("content-type", "text/plain".to_owned())];
                (status, headers.map(|(name, value)| (name.to_owned(), value)).to_vec(), body.as_bytes().to_vec())
            }
        };
        let mut map: Headers = [(":status", status.to_string())].into_iter().collect();
        headers.into_iter().for_each(|(name, value)| map.add(name, value));
        Some(CalloutReply { headers: map, body })
    }
}
