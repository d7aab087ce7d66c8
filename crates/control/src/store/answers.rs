//! Answers that are kept so that a request can be sent again (`Idempotency-Key`), sealed.
//!
//! Invariant: a name is taken by one request at a time, whichever control plane it was sent to.

use async_trait::async_trait;

use super::StoreError;

/// Questions about kept answers, and their only writes. Edges need not know of them, and neither does the log.
#[async_trait]
pub(crate) trait Answers {
    /// Takes a name for a request, unless another request has it.
    async fn claim_answer(&self, claim: &Claim) -> Result<Claimed, StoreError>;

    /// Keeps the answer to the request that has the name.
    async fn keep_answer(&self, name: [u8; 32], sealed: &[u8]) -> Result<(), StoreError>;

    /// Lets go of the name of a request that came to nothing.
    async fn forget_answer(&self, name: [u8; 32]) -> Result<(), StoreError>;
}

/// Who wants to be answered once. Times are Unix milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// The name.
    pub name: [u8; 32],
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// Now.
    pub now_ms: u64,
    /// Whoever has not answered by then never will.
    pub running_until_ms: u64,
    /// Until when the answer is kept.
    pub expires_ms: u64,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// The name is the request's: carry it out.
    New,
    /// The same request is being carried out.
    Running,
    /// Another request has the name.
    Other,
    /// The same request was answered: this, sealed.
    Answered(Vec<u8>),
}
