//! Reports on their way: what was told in each, until its answer says whether it arrived.
//!
//! What surely did not arrive is told again. What may have arrived (the call broke off, or no answer came in time) is not,
//! so that nothing is counted twice. Invariant: it holds no more than four reports.

use portcullis_engine::KeyId;

use crate::host::Host;
use crate::journal::Entries;

/// Answers that may be outstanding; the oldest is given up for a further one.
const MOST: usize = 4;

/// What one report tells, apart from where its VM stands.
#[derive(Debug, Default)]
pub struct Told {
    /// Keys used.
    pub used: Vec<KeyId>,
    /// What happened to requests.
    pub entries: Entries,
    /// What went wrong.
    pub errors: Vec<String>,
}

/// Reports on their way.
#[derive(Debug, Default)]
pub struct Outbox {
    sent: Vec<(u32, Told)>,
}

/// What became of a report.
#[derive(Debug)]
pub enum Delivery {
    /// The answer was of no report.
    Unknown,
    /// It arrived, or may have.
    Over,
    /// It did not arrive.
    Failed(Told),
}

impl Outbox {
    /// A report was sent off.
    pub fn sent(&mut self, token: u32, told: Told) {
        if self.sent.len() >= MOST {
            self.sent.remove(0);
        }
        self.sent.push((token, told));
    }

    /// An answer arrived.
    pub fn answered(&mut self, host: &impl Host, token: u32, headers: usize) -> Delivery {
        let Some(position) = self.sent.iter().position(|(sent, _)| *sent == token) else { return Delivery::Unknown };
        let (_, told) = self.sent.remove(position);
        let status = if headers == 0 { None } else { host.callout_header(":status") };
        match status.as_deref() {
            // Refused before it was read, or made up by the proxy for want of a connection.
            Some(b"401" | b"403" | b"429" | b"502" | b"503") => Delivery::Failed(told),
            _ => Delivery::Over,
        }
    }
}
