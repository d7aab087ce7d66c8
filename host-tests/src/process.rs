//! One Envoy process: the main-thread VM, a VM per worker, and what they share.
//!
//! Threads are not emulated: VMs take turns in the order the test calls them. Invariant: a worker's dead VM is replaced
//! only by a request (FAIL_RELOAD), the main thread's never.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::answer::Answer;
use crate::config::Config;
use crate::guest::{Plugin, VmId};
use crate::module::Module;
use crate::request::{Outcome, Request, Sent, Upstream};
use crate::vm::{Exchange, Vm};
use crate::world::{Callout, Cluster, LogLine, World};

/// What became of dead worker VMs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reloads {
    /// Replaced.
    pub success: u64,
    /// The replacement did not start.
    pub failure: u64,
    /// Not tried, too soon after the last load.
    pub backoff: u64,
}

/// A running process.
pub struct Process {
    module: Module,
    plugins: Vec<Rc<Plugin>>,
    world: Rc<RefCell<World>>,
    vms: BTreeMap<VmId, Vm>,
    backoff_ns: u64,
    reloads: Reloads,
}

impl Process {
    /// Starts it: canary, main-thread VM, workers.
    ///
    /// # Errors
    ///
    /// When the module does not load, or a VM refuses its configuration: Envoy would not start.
    pub fn start(module: &Module, config: Config) -> Result<Self> {
        let world = World {
            now_ns: config.now,
            log_level: config.log_level,
            environment: config.environment,
            clusters: config.clusters,
            ..World::default()
        };
        let plugin = Plugin {
            name: config.plugin_name,
            root_id: config.root_id,
            vm_id: config.vm_id,
            configuration: config.plugin_configuration,
            vm_configuration: config.vm_configuration,
        };
        let mut process = Self {
            module: module.clone(),
            plugins: Vec::new(),
            world: Rc::new(RefCell::new(world)),
            vms: BTreeMap::new(),
            backoff_ns: u64::try_from(config.reload_backoff.as_nanos()).unwrap_or(u64::MAX),
            reloads: Reloads::default(),
        };
        for vm in [VmId::Main].into_iter().chain((0..config.workers).map(VmId::Worker)) {
            let loaded = Vm::load(module, &process.world, vm, 0)?;
            process.vms.insert(vm, loaded);
        }
        process.add_plugin(plugin)?;
        Ok(process)
    }

    /// A listener update with another configuration: new root contexts in the same VMs; the old ones keep ticking.
    ///
    /// # Errors
    ///
    /// When the configuration is refused; the old one keeps serving.
    pub fn update(&mut self, plugin_configuration: Vec<u8>) -> Result<()> {
        let old = self.plugins.last().context("nothing to update")?;
        let plugin = Plugin {
            name: old.name.clone(),
            root_id: old.root_id.clone(),
            vm_id: old.vm_id.clone(),
            configuration: plugin_configuration,
            vm_configuration: old.vm_configuration.clone(),
        };
        self.add_plugin(plugin)
    }

    fn add_plugin(&mut self, plugin: Plugin) -> Result<()> {
        let plugin = Rc::new(plugin);
        let mut canary = Vm::load(&self.module, &self.world, VmId::Canary, 0)?;
        let accepted = canary.add_root(&plugin);
        self.world.borrow_mut().callouts.retain(|callout| callout.vm != VmId::Canary);
        accepted.with_context(|| format!("the canary VM did not configure: {}", self.last_log()))?;
        for (id, vm) in self.vms.iter_mut().filter(|(_, vm)| !vm.failed()) {
            vm.add_root(&plugin).with_context(|| format!("the VM {id:?} did not configure"))?;
        }
        self.plugins.push(plugin);
        Ok(())
    }

    /// The drain time is over: every root context but the newest ends.
    pub fn drain(&mut self) {
        self.plugins.drain(..self.plugins.len().saturating_sub(1));
        for vm in self.vms.values_mut() {
            let newest = vm.newest_root();
            let old: Vec<u32> = vm.guest().roots.keys().copied().filter(|root| Some(*root) != newest).collect();
            old.into_iter().for_each(|root| vm.drop_root(root));
        }
    }

    /// Sends a request to a worker, replacing its VM first if that is dead and may be replaced.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    pub fn request(&mut self, worker: usize, request: Request) -> Outcome {
        self.revive(VmId::Worker(worker));
        let vm = self.vm(VmId::Worker(worker));
        let Some(root) = vm.newest_root() else { return Outcome::Failed503 };
        vm.serve(root, &request)
    }

    /// As [`Process::request`], as far as the upstream; `Err` if it does not come there.
    ///
    /// # Errors
    ///
    /// What became of it instead.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    pub fn send(&mut self, worker: usize, request: Request) -> Result<Sent, Outcome> {
        self.revive(VmId::Worker(worker));
        let vm = self.vm(VmId::Worker(worker));
        let root = vm.newest_root().ok_or(Outcome::Failed503)?;
        let stream = vm.send(root, &request)?;
        let headers = vm.guest().streams.get(&stream).map(|stream| stream.request.clone()).unwrap_or_default();
        Ok(Sent { headers, worker, stream })
    }

    /// The upstream's answer to what was sent.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    pub fn receive(&mut self, sent: &Sent, upstream: &Upstream) -> Outcome {
        self.vm(VmId::Worker(sent.worker)).receive(sent.stream, upstream)
    }

    /// As [`Process::request`], on the oldest root context that lives: a stream of a listener that drains, or of another.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    pub fn request_oldest(&mut self, worker: usize, request: Request) -> Outcome {
        self.revive(VmId::Worker(worker));
        let vm = self.vm(VmId::Worker(worker));
        let Some(root) = vm.guest().roots.keys().next().copied() else { return Outcome::Failed503 };
        vm.serve(root, &request)
    }

    /// What became of a worker's requests that waited and were woken since.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    pub fn woken(&mut self, worker: usize) -> Vec<Outcome> {
        self.vm(VmId::Worker(worker)).woken()
    }

    /// The clients of a worker's requests that wait hang up.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    pub fn hang_up(&mut self, worker: usize) {
        self.vm(VmId::Worker(worker)).hang_up();
    }

    fn revive(&mut self, id: VmId) {
        let (now, backoff) = (self.now(), self.backoff_ns);
        let vm = self.vm(id);
        if !vm.failed() {
            return;
        }
        if now < vm.loaded_at_ns.saturating_add(backoff) {
            self.reloads.backoff += 1;
            return;
        }
        let generation = vm.generation() + 1;
        vm.loaded_at_ns = now;
        match self.reload(id, generation) {
            Some(vm) => {
                self.vms.insert(id, vm);
                self.reloads.success += 1;
            }
            None => self.reloads.failure += 1,
        }
    }

    /// A fresh VM with every root context the dead one had.
    fn reload(&self, id: VmId, generation: u32) -> Option<Vm> {
        let mut vm = Vm::load(&self.module, &self.world, id, generation).ok()?;
        for plugin in &self.plugins {
            vm.add_root(plugin)?;
        }
        Some(vm)
    }

    /// Fires the timers of one VM. A dead VM and a VM without a timer do not tick.
    pub fn tick(&mut self, id: VmId) {
        let vm = self.vm(id);
        let roots = vm.guest().roots.iter().filter(|(_, root)| root.tick_period_ms > 0).map(|(id, _)| *id);
        for root in roots.collect::<Vec<_>>() {
            if !vm.failed() {
                vm.call(root, "tick", &[root]);
            }
        }
    }

    /// Fires the timers of every VM, the main thread's first.
    pub fn tick_all(&mut self) {
        self.vm_ids().into_iter().for_each(|id| self.tick(id));
    }

    /// Moves the host's clock. Nothing ticks.
    pub fn advance(&mut self, by: Duration) {
        let mut world = self.world.borrow_mut();
        world.now_ns = world.now_ns.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Moves the host's clock back, as when it is set.
    pub fn rewind(&mut self, by: Duration) {
        let mut world = self.world.borrow_mut();
        world.now_ns = world.now_ns.saturating_sub(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Callouts in flight, oldest first.
    #[must_use]
    pub fn callouts(&self) -> Vec<Callout> {
        self.world.borrow().callouts.clone()
    }

    /// Ends a callout. `false` when it is no longer in flight: answered before, or its VM is gone.
    pub fn answer(&mut self, callout: &Callout, answer: Answer) -> bool {
        let position = self.world.borrow().callouts.iter().position(|c| c.id == callout.id);
        let Some(position) = position else { return false };
        let callout = self.world.borrow_mut().callouts.remove(position);
        let reply = answer.into_reply();
        let (headers, body) = reply.as_ref().map_or((0, 0), |reply| (reply.headers.len(), reply.body.len()));
        let vm = self.vm(callout.vm);
        let Some(root) = vm.guest().roots.get_mut(&callout.root) else { return false };
        root.reply = reply;
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        vm.call(callout.root, "http_call_response", &[callout.root, callout.token, count(headers), count(body), 0]);
        if let Some(root) = vm.guest().roots.get_mut(&callout.root) {
            root.reply = None;
        }
        true
    }

    /// Forgets every callout in flight: their answers never come.
    pub fn lose_callouts(&mut self) {
        self.world.borrow_mut().callouts.clear();
    }

    /// What the last request on a worker did besides its outcome.
    pub fn exchange(&mut self, worker: usize) -> &Exchange {
        &self.vm(VmId::Worker(worker)).exchange
    }

    /// Instructions of the callback that took a VM most since it was last asked.
    pub fn take_longest(&mut self, id: VmId) -> u64 {
        std::mem::take(&mut self.vm(id).longest)
    }

    /// A stat by the name the module defined it with; `None` if no VM defined it.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<u64> {
        self.world.borrow().stats.get(name).copied()
    }

    /// Every stat the module defined.
    #[must_use]
    pub fn metrics(&self) -> BTreeMap<String, u64> {
        self.world.borrow().stats.clone()
    }

    /// Everything logged so far, by every VM that ever ran.
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        self.world.borrow().logs.clone()
    }

    /// As [`Process::logs`], and forgets them.
    pub fn take_logs(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.world.borrow_mut().logs)
    }

    /// Shared data: what a VM of this `vm_id` could read.
    #[must_use]
    pub fn shared_data(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.world.borrow().shared.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }

    /// Writes shared data behind the module's back.
    pub fn set_shared_data(&mut self, key: &[u8], value: &[u8]) {
        // CAS 0 never fails.
        let _ = self.world.borrow_mut().shared.set(key, value, 0);
    }

    /// What became of dead worker VMs.
    #[must_use]
    pub fn reloads(&self) -> Reloads {
        self.reloads
    }

    /// Linear memory of a VM.
    pub fn memory_bytes(&mut self, id: VmId) -> usize {
        self.vm(id).memory_bytes()
    }

    /// Whether a VM trapped and was not replaced.
    pub fn is_dead(&mut self, id: VmId) -> bool {
        self.vm(id).failed()
    }

    /// The tick period of a VM's newest root context, zero without a timer.
    pub fn tick_period(&mut self, id: VmId) -> Duration {
        let vm = self.vm(id);
        let newest = vm.newest_root();
        let root = newest.and_then(|root| vm.guest().roots.get(&root));
        Duration::from_millis(root.map_or(0, |root| root.tick_period_ms).into())
    }

    /// Changes or adds a cluster.
    pub fn set_cluster(&mut self, name: &str, cluster: Cluster) {
        self.world.borrow_mut().clusters.insert(name.to_owned(), cluster);
    }

    /// Removes a cluster: dispatching to it is then a bad argument.
    pub fn remove_cluster(&mut self, name: &str) {
        self.world.borrow_mut().clusters.remove(name);
    }

    /// Host time, nanoseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.world.borrow().now_ns
    }

    /// The main-thread VM, then the workers.
    #[must_use]
    pub fn vm_ids(&self) -> Vec<VmId> {
        self.vms.keys().copied().collect()
    }

    fn vm(&mut self, id: VmId) -> &mut Vm {
        let Some(vm) = self.vms.get_mut(&id) else { unreachable!("this process has no VM {id:?}") };
        vm
    }

    fn last_log(&self) -> String {
        self.world.borrow().logs.last().map(|line| line.text.clone()).unwrap_or_default()
    }
}
