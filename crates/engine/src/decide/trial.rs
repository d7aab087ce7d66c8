//! What a key's trial would have said of a request that passes.
//!
//! It is asked only after everything that is enforced let the request through, so that what it counts is what enforcing it
//! would change. Invariant: it adds to what is told and to the trace, and to nothing else.

use alloc::vec::Vec;

use super::{Ambient, KeyCheck};
use crate::decision::Observed;
use crate::reason::Reason;
use crate::scope::common_grants;
use crate::trace::{Outcome, Step, Trace};

impl<A: Ambient> KeyCheck<'_, '_, A> {
    pub(super) fn look_at_trial(&self, observed: &mut Vec<Observed>, trace: &mut impl Trace) {
        let Some(trial) = self.caller.record.restrictions.and_then(|set| set.trial()) else { return };
        let mut look = |step, result: Result<(), Reason>| match result {
            Ok(()) => trace.check(step, Outcome::Passed, format_args!("trial")),
            Err(reason) => {
                trace.check(step, Outcome::Observed(reason), format_args!("trial"));
                observed.push(Observed::Trial(reason));
            }
        };
        for (step, check) in self.kinds(trial.kinds()) {
            if let Some((_, result)) = check {
                look(step, result);
            }
        }
        if let Some(scopes) = trial.scopes() {
            // In place of the record's scopes, so a token has of them what it was granted.
            look(
                Step::Scopes,
                match &self.caller.token {
                    None => self.scopes(scopes),
                    Some(token) => self.scopes(&common_grants(token.granted, scopes, self.policy.write_implies_read)),
                },
            );
        }
        if trial.is_retiring() {
            observed.push(Observed::Retiring);
        }
    }
}
