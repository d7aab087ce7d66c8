//! A proxy for native tests: shared memory of one process, calls that a test answers, a clock that it moves.
//!
//! No requests: what is decided is tested in the wasm host. Invariant: shared memory keeps Envoy's rules of
//! compare-and-swap.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::collections::BTreeMap;
use std::rc::Rc;

use portcullis_engine::SecretValue;

use crate::host::{
    AnswerPart, Callout, DispatchFailed, Expect, Host, LogLevel, MetricKind, Reply, Shared, SharedConflict,
};

/// What the VMs of one process share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Rc<RefCell<(BTreeMap<String, Shared>, u32)>>);

/// One VM's proxy.
#[derive(Debug, Default)]
pub(crate) struct FakeHost {
    pub(crate) memory: Memory,
    pub(crate) clock: Rc<Cell<u64>>,
    /// Calls that were not answered: token, path, body.
    pub(crate) calls: RefCell<Vec<(u32, String, Vec<u8>)>>,
    /// The answer that is being delivered.
    pub(crate) answer: RefCell<(u16, Vec<u8>)>,
    /// Whether calls cannot be made.
    pub(crate) is_cut_off: Cell<bool>,
    last_token: Cell<u32>,
}

impl FakeHost {
    /// A VM of a process.
    pub(crate) fn new(memory: &Memory, clock: &Rc<Cell<u64>>) -> Self {
        Self { memory: memory.clone(), clock: Rc::clone(clock), ..Self::default() }
    }
}

impl Host for FakeHost {
    fn now_nanos(&self) -> u64 {
        self.clock.get()
    }
    fn log(&self, _: LogLevel, _: fmt::Arguments<'_>) {}
    fn set_tick_period(&self, _: u32) {}
    fn configuration(&self) -> Option<Vec<u8>> {
        None
    }
    fn environment(&self, _: &str) -> Option<Vec<u8>> {
        None
    }
    fn request_headers(&self) -> Option<Vec<u8>> {
        None
    }
    fn add_request_header(&self, _: &str, _: &[u8]) {}
    fn replace_request_header(&self, _: &str, _: &[u8]) {}
    fn remove_request_header(&self, _: &[u8]) {}
    fn source_address(&self) -> Option<Vec<u8>> {
        None
    }
    fn reply(&self, _: &Reply) {}
    fn enter_stream(&self, _: u32) -> bool {
        true
    }
    fn resume(&self) {}
    fn set_log_field(&self, _: &str, _: &[u8]) {}
    fn guards_answers(&self) -> bool {
        false
    }
    fn guard(&self, _: Vec<SecretValue>) {}
    fn answer_headers(&self, _: AnswerPart) -> Option<Vec<u8>> {
        None
    }
    fn add_answer_header(&self, _: AnswerPart, _: &[u8], _: &[u8]) {}
    fn remove_answer_header(&self, _: AnswerPart, _: &[u8]) {}

    fn shared(&self, key: &str) -> Option<Shared> {
        self.memory.0.borrow().0.get(key).cloned()
    }

    fn set_shared(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), SharedConflict> {
        let (values, last) = &mut *self.memory.0.borrow_mut();
        match (values.get(key), expect) {
            (Some(_), Expect::Absent) => return Err(SharedConflict),
            (Some(there), Expect::Unchanged(cas)) if there.cas != cas => return Err(SharedConflict),
            _ => {}
        }
        *last += 1;
        values.insert(key.to_owned(), Shared { value: value.to_vec(), cas: *last });
        Ok(())
    }

    fn dispatch(&self, call: &Callout<'_>) -> Result<u32, DispatchFailed> {
        if self.is_cut_off.get() {
            return Err(DispatchFailed);
        }
        self.last_token.set(self.last_token.get() + 1);
        let path = call.headers.iter().find(|(name, _)| *name == ":path").map_or("", |(_, path)| *path);
        self.calls.borrow_mut().push((self.last_token.get(), path.to_owned(), call.body.to_vec()));
        Ok(self.last_token.get())
    }

    fn callout_header(&self, name: &str) -> Option<Vec<u8>> {
        (name == ":status").then(|| self.answer.borrow().0.to_string().into_bytes())
    }
    fn callout_body(&self, _: usize) -> Option<Vec<u8>> {
        Some(self.answer.borrow().1.clone())
    }
    fn define_metric(&self, _: MetricKind, _: &str) -> Option<u32> {
        None
    }
    fn increment(&self, _: u32, _: u32) {}
    fn set_gauge(&self, _: u32, _: u64) {}
}
