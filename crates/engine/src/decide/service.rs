//! The rule's service, if it leads to one: whether the key's skill may use it.
//!
//! Invariant: a request is granted a service only if there is a value for whatever it wants.

use core::fmt;

use super::{Ambient, KeyCheck};
use crate::decide::limits::Told;
use crate::policy::Route;
use crate::reason::Reason;
use crate::service::{Refused, Service, ServiceUse};
use crate::trace::{Outcome, Step, Trace};

impl<'a, A: Ambient> KeyCheck<'a, '_, A> {
    /// Before limits, so that what cannot be sent takes nothing.
    pub(super) fn service(&self, told: &mut Told<'a>, trace: &mut impl Trace) -> Result<(), Reason> {
        match self.routed.route {
            Route::Rule(_, rule) => match rule.service.and_then(|index| self.policy.service(index)) {
                Some(service) => self.ask_service(service, told, trace),
                None => Ok(()),
            },
            Route::Unmatched(_) => Ok(()),
        }
    }

    /// Not inlined: what most requests do not need is not to be in their way.
    #[inline(never)]
    fn ask_service(&self, service: &'a Service, told: &mut Told<'a>, trace: &mut impl Trace) -> Result<(), Reason> {
        let record = &self.caller.record;
        match ServiceUse::check(service, record.organization, record.skill, self.request) {
            Ok(using) => {
                told.service = Some(using);
                trace.check(Step::Service, Outcome::Passed, format_args!("{} by {}", service.name, using.skill.id));
                Ok(())
            }
            Err(Refused { reason, reference }) => {
                let detail = Described { service, reference: reference.as_deref() };
                trace.check(Step::Service, Outcome::Denied(reason), format_args!("{detail}"));
                told.reference = reference;
                Err(reason)
            }
        }
    }
}

/// What was refused in words.
struct Described<'d> {
    service: &'d Service,
    reference: Option<&'d str>,
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.service.name)?;
        self.reference.map_or(Ok(()), |reference| write!(f, ", secret `{reference}`"))
    }
}
