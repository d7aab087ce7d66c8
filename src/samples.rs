//! Requests that were let through and are told of all the same: a restriction or a trial would have refused them, or
//! their key is about to go.
//!
//! Alike ones are counted together. Invariant: there are never more than [`MOST`], nor more than [`MOST_PER_KEY`] of one
//! key, so that no key crowds out the others; what finds no room is counted.

use portcullis_engine::key_format::KeyFormats;
use portcullis_engine::{KeyId, Observed, Reason, Request};
use serde::{Serialize, Serializer};

use crate::host::Host;
use crate::told;

/// Different ones between two reports.
pub const MOST: usize = 64;
/// Different ones of one key.
pub const MOST_PER_KEY: usize = 16;

/// What there is to tell since the last report.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    list: Vec<Sample>,
    beyond: u64,
}

/// Requests that are alike.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    #[serde(serialize_with = "as_text")]
    key: KeyId,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<String>,
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    count: u64,
}

impl Samples {
    /// Notes a request, once for each thing there is to tell of it.
    pub fn note(
        &mut self,
        host: &impl Host,
        formats: &KeyFormats,
        key: KeyId,
        observed: &[Observed],
        request: &Request<'_>,
    ) {
        let address = told::address(host);
        let referrer = told::referrer(formats, request);
        let method = told::method(Some(formats), request);
        let path = told::path(formats, request);
        for observed in observed {
            self.add(Sample {
                key,
                kind: kind(*observed),
                reason: observed.reason().map(Reason::as_str),
                address: address.clone(),
                referrer: referrer.clone(),
                method: method.clone(),
                path: path.clone(),
                count: 1,
            });
        }
    }

    /// Takes back what could not be told. What came since has its room already.
    pub fn put_back(&mut self, earlier: Self) {
        earlier.list.into_iter().for_each(|sample| self.add(sample));
        self.beyond = self.beyond.saturating_add(earlier.beyond);
    }

    /// The different ones.
    pub fn list(&self) -> &[Sample] {
        &self.list
    }

    /// How many requests found no room.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    fn add(&mut self, sample: Sample) {
        let mut of_key = 0;
        for known in self.list.iter_mut().filter(|known| known.key == sample.key) {
            if known.is_like(&sample) {
                known.count = known.count.saturating_add(sample.count);
                return;
            }
            of_key += 1;
        }
        if self.list.len() < MOST && of_key < MOST_PER_KEY {
            self.list.push(sample);
        } else {
            self.beyond = self.beyond.saturating_add(sample.count);
        }
    }
}

impl Sample {
    fn is_like(&self, other: &Self) -> bool {
        let what = (self.key, self.kind, self.reason) == (other.key, other.kind, other.reason);
        let who = (&self.address, &self.referrer) == (&other.address, &other.referrer);
        what && who && (&self.method, &self.path) == (&other.method, &other.path)
    }
}

fn kind(observed: Observed) -> &'static str {
    match observed {
        Observed::Restriction(_) => "observe",
        Observed::Trial(_) => "trial",
        Observed::Retiring => "retiring",
    }
}

fn as_text<S: Serializer>(key: &KeyId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.to_text().as_str())
}
