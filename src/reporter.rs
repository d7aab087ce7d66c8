//! Telling the control plane: when a batch is sealed, sent, sent again, or taken over from a VM that died.
//!
//! Invariant: a batch is in shared memory before it is sent for the first time, and nothing is sealed while another batch is
//! on its way; so whatever dies, each batch has its one number.

use crate::boot;
use crate::config::Control;
use crate::host::{Host, LogLevel};
use crate::journal::{Journal, Told};
use crate::live::Names;
use crate::outbox::{Batch, Delivery, Outbox};
use crate::report::{self, Report, Standing};
use crate::sync::Sync;
use crate::timer::Timer;
use crate::usage::Routes;
use crate::usage::adopt::Adopter;
use crate::usage::stream::{Stream, TakenOver};

/// How often a VM reports without a reason to.
const REPORT_NANOS: u64 = 5_000_000_000;

/// One VM's reports.
#[derive(Debug, Default)]
pub struct Reporter {
    boot: Option<String>,
    stream: Stream,
    outbox: Outbox,
    adopter: Adopter,
    next: Timer,
    /// The version that was told last.
    told: Option<u64>,
    /// The edges' keys that this VM has, by name.
    edge_keys: Option<Vec<String>>,
}

/// What a VM tells with.
pub struct Desk<'a> {
    /// The control plane, and this VM's number.
    pub sync: &'a mut Sync,
    /// What happened.
    pub journal: &'a mut Journal,
    /// The version it enforces, and that version's age in seconds.
    pub version: (u64, u64),
    /// The time in nanoseconds.
    pub now: u64,
}

impl Reporter {
    /// Of a VM that opens secrets with these keys; `None` = it gives out none.
    pub fn new(edge_keys: Option<Vec<String>>) -> Self {
        Self { edge_keys, ..Self::default() }
    }

    /// The process' name, once it has one.
    pub fn boot(&self) -> Option<&str> {
        self.boot.as_deref()
    }

    /// Copies, seals, sends and takes over, each in its time.
    pub fn tick(&mut self, host: &impl Host, desk: &mut Desk<'_>) {
        if !self.enter(host, desk) {
            return;
        }
        if self.keep(host, desk).is_err() {
            return self.start_over(host, desk);
        }
        if desk.sync.leads() {
            self.adopt(host, desk);
        } else {
            self.adopter.leave();
        }
        self.tell(host, desk);
    }

    /// Whether the VM has its number and the process its name.
    fn enter(&mut self, host: &impl Host, desk: &Desk<'_>) -> bool {
        let vm = desk.sync.vm();
        if self.stream.vm() != vm {
            self.stream = Stream::new(vm);
        }
        if self.boot.is_none() && vm != 0 {
            self.boot = boot::enter(host, desk.sync.names(), desk.sync.control(), vm);
        }
        self.boot.is_some()
    }

    fn keep(&mut self, host: &impl Host, desk: &mut Desk<'_>) -> Result<(), TakenOver> {
        if desk.journal.has_news() {
            desk.journal.collect();
            self.stream.changed = true;
        }
        let names: &Names = desk.sync.names();
        self.stream.keep(host, names, desk.now, &mut desk.journal.usage, &self.outbox)
    }

    /// This VM was taken for dead: what was in its copy is another's now, and so is its row of batches.
    fn start_over(&mut self, host: &impl Host, desk: &mut Desk<'_>) {
        host.log(LogLevel::Warn, format_args!("VM {} was taken for dead and starts over", self.stream.vm()));
        self.outbox.clear();
        desk.journal.usage.copied_is_taken();
        desk.sync.enter_again(host);
        self.stream = Stream::new(desk.sync.vm());
        self.stream.changed = true;
    }

    fn adopt(&mut self, host: &impl Host, desk: &mut Desk<'_>) {
        let (vm, usage) = (self.stream.vm(), &mut desk.journal.usage);
        if self.adopter.look(host, desk.sync.names(), vm, desk.now, usage, &mut self.outbox) {
            self.copy(host, desk);
        }
    }

    /// Writes the copy now.
    fn copy(&mut self, host: &impl Host, desk: &mut Desk<'_>) {
        self.stream.write(host, desk.sync.names(), desk.now, &mut desk.journal.usage, &self.outbox);
    }

    /// The process is about to be stopped: what was counted is told as it comes.
    pub fn hurry(&mut self, journal: &Journal) {
        if journal.has_news() || !journal.usage.copied.is_empty() {
            self.next = Timer::default();
        }
    }

    /// Tells what there is if it is time to.
    pub fn tell(&mut self, host: &impl Host, desk: &mut Desk<'_>) {
        let is_news = self.told != Some(desk.version.0);
        if (is_news || self.next.is_due(desk.now)) && self.boot.is_some() {
            if self.outbox.is_empty() {
                self.seal(host, desk);
            } else if is_news {
                self.tell_version(host, desk);
            }
        }
        self.outbox.send(host, desk.sync.control(), desk.now);
    }

    fn seal(&mut self, host: &impl Host, desk: &mut Desk<'_>) {
        desk.journal.collect();
        if self.stream.refresh(host, desk.sync.names(), desk.now).is_err() {
            return self.start_over(host, desk);
        }
        desk.journal.usage.recent_is_copied();
        let told = Told { errors: desk.sync.take_errors(), ..desk.journal.take() };
        let seq = self.stream.next_seq();
        let body = self.report(desk, seq, &told);
        desk.journal.metrics.usage_dropped(self.outbox.push(Batch::from_body(body)));
        self.copy(host, desk);
        // What did not fit follows at once.
        self.next = Timer::start(desk.now, if desk.journal.usage.copied.is_empty() { REPORT_NANOS } else { 0 });
        self.told = Some(desk.version.0);
    }

    /// A batch is on its way and may be for a while; receipts do not wait for it. Nothing is counted in this report, so
    /// that it may get lost.
    fn tell_version(&mut self, host: &impl Host, desk: &Desk<'_>) {
        let body = self.report(desk, 0, &Told::default());
        let _ = report::send(host, desk.sync.control(), &body);
        self.told = Some(desk.version.0);
    }

    fn report(&self, desk: &Desk<'_>, seq: u64, told: &Told) -> Vec<u8> {
        let (version, age) = desk.version;
        let standing = Standing { vm: self.stream.vm(), version, age, edge_keys: self.edge_keys.as_deref() };
        let routes: &Routes = &desk.journal.usage.routes;
        let control: &Control = desk.sync.control();
        Report::new(control, self.boot().unwrap_or_default(), seq, standing, told, routes).body()
    }

    /// An answer arrived. Tells whether it was of a report.
    pub fn answered(&mut self, host: &impl Host, desk: &mut Desk<'_>, token: u32, headers: usize) -> bool {
        match self.outbox.answered(host, token, headers, desk.now) {
            Delivery::Unknown => return false,
            Delivery::Again => return true,
            Delivery::Delivered => {}
            Delivery::Dropped(requests) => {
                host.log(LogLevel::Warn, format_args!("a report of {requests} requests was refused for good"));
                desk.journal.metrics.usage_dropped(requests);
            }
        }
        self.stream.changed = true;
        let usage = &mut desk.journal.usage;
        if self.outbox.is_empty() && usage.copied.is_empty() && !usage.has_news() {
            usage.routes.none_in_use();
        }
        self.tell(host, desk);
        true
    }
}
