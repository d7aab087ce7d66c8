//! Reading an HTTP answer: the body of a denial in either shape, and the headers of a gRPC one.

use serde_json::Value;

use crate::expectation::{Outcome, Seen};

impl Outcome {
    /// What an HTTP answer says by itself; whoever sent the request adds what the upstream saw.
    ///
    /// `headers` have lower-case names. An answer without a body (HEAD) leaves code and message unseen.
    pub fn from_http(status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Self {
        let grpc = headers.iter().find(|(name, _)| name == "grpc-status").and_then(|(_, value)| value.parse().ok());
        let message = headers.iter().find(|(name, _)| name == "grpc-message").map(|(_, value)| percent_decode(value));
        let mut outcome = Self { status, grpc_status: grpc.into(), ..Self::default() };
        match (&message, body.is_empty(), status) {
            (Some(text), _, _) => outcome.read_denial(text, None),
            (None, false, 400..) => outcome.read_denial(body, Some(status)),
            _ => {}
        }
        outcome.headers = Seen::Is(headers);
        outcome
    }

    /// Reads `{"error":{…}}` or RFC 9457; anything else has no code.
    fn read_denial(&mut self, body: &[u8], status: Option<u16>) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            self.code = Seen::Absent;
            return;
        };
        let error = body.get("error").unwrap_or(&body);
        let message = ["message", "detail", "title"].iter().find_map(|name| error.get(name));
        self.code = text(error.get("code")).into();
        self.message = text(message).into();
        self.reference = text(error.get("reference")).into();
        let told = error.get("status").and_then(Value::as_u64);
        if status.is_some() && told != status.map(u64::from) {
            self.defects.push(format!("the body says status {told:?}"));
        }
        if text(error.get("request_id")).is_none_or(|id| id.is_empty()) {
            self.defects.push("the body has no request_id".to_owned());
        }
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

/// `grpc-message` is percent-encoded.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits =
            tail.first_chunk::<2>().filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}
