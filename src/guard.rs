//! Answers of services: a value that comes back in a header or trailer is masked.
//!
//! Bodies are not looked at. Invariants: the values of a stream are kept until it is over, whatever is replaced meanwhile; an answer whose
//! headers cannot be read is not passed on.

use portcullis_engine::SecretValue;
use portcullis_engine::service::{is_named_after, masked, may_hold};

use crate::hash::IdMap;
use crate::host::{AnswerPart, Host};
use crate::pairs;

/// What must not come back, by stream.
#[derive(Debug, Default)]
pub struct Guards {
    streams: IdMap<u32, Vec<SecretValue>>,
}

impl Guards {
    /// These must not come back on that stream.
    pub fn begin(&mut self, stream: u32, masks: Vec<SecretValue>) {
        self.streams.insert(stream, masks);
    }

    /// The stream is over.
    pub fn end(&mut self, stream: u32) {
        self.streams.remove(&stream);
    }

    /// Masks what came back on a stream. `false` if that cannot be told.
    pub fn look(&self, host: &impl Host, stream: u32, part: AnswerPart) -> bool {
        self.streams.get(&stream).is_none_or(|masks| mask(host, part, masks).is_some())
    }
}

fn mask(host: &impl Host, part: AnswerPart, masks: &[SecretValue]) -> Option<()> {
    let blob = host.answer_headers(part)?;
    if blob.is_empty() {
        // How proxies say that there are no trailers. There are always headers.
        return (part == AnswerPart::Trailers).then_some(());
    }
    if !may_hold(&blob, masks) {
        return Some(());
    }
    let headers = pairs::parse(&blob)?;
    let hit = |(name, value): &&(&[u8], &[u8])| {
        name.first() != Some(&b':') && (is_named_after(name, masks) || masked(value, masks).is_some())
    };
    let mut done: Vec<&[u8]> = Vec::new();
    for (name, _) in headers.iter().filter(hit) {
        if done.contains(name) {
            continue;
        }
        done.push(name);
        host.remove_answer_header(part, name);
        if is_named_after(name, masks) {
            continue;
        }
        // All of that name, since removing one removes all.
        for (_, value) in headers.iter().filter(|(other, _)| other == name) {
            host.add_answer_header(part, name, masked(value, masks).as_deref().unwrap_or(value));
        }
    }
    Some(())
}
