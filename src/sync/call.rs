//! Calls of the control plane: how one is started, and what its answer is worth.
//!
//! Nothing is verified here. Invariant: what the proxy makes up itself never passes for an answer.

use crate::config::Control;
use crate::host::{Callout, Host};

/// Starts a GET of the control plane.
pub(super) fn get(host: &impl Host, control: &Control, path: &str, timeout_ms: u32) -> Result<u32, String> {
    let authorization = control.token.authorization();
    let headers = [
        (":method", "GET"),
        (":path", path),
        (":authority", control.authority.as_str()),
        ("authorization", authorization.as_str()),
    ];
    let call = Callout { cluster: &control.cluster, headers: &headers, body: &[], timeout_ms };
    host.dispatch(&call).map_err(|_| format!("cluster `{}` takes no calls", control.cluster))
}

/// The body of a good answer. No headers at all means that the call failed midway; other statuses may be made up by
/// the proxy itself.
pub(super) fn answer(host: &impl Host, headers: usize, body: usize) -> Result<Vec<u8>, String> {
    if headers == 0 {
        return Err("the control plane's answer broke off".into());
    }
    match host.callout_header(":status").as_deref() {
        Some(b"200") => host.callout_body(body).ok_or_else(|| "the control plane's answer has no body".into()),
        status => {
            let status = String::from_utf8_lossy(status.unwrap_or_default()).into_owned();
            Err(format!("the control plane answered {status}"))
        }
    }
}

/// Whether the token was refused: another VM's may not be.
pub(super) fn is_refused(host: &impl Host, headers: usize) -> bool {
    headers > 0 && matches!(host.callout_header(":status").as_deref(), Some(b"401" | b"403"))
}
