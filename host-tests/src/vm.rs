//! One VM: an instance of the module and the way into it.
//!
//! It knows how to enter a callback, not when: `request` and `process` do. Invariant: after a trap nothing enters the
//! instance again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::Result;
use wasmtime::{Instance, Store, StoreLimits, StoreLimitsBuilder, Val};

use crate::guest::{Guest, Plugin, Root, VmId};
use crate::headers::Headers;
use crate::imports;
use crate::metrics::MetricIds;
use crate::module::Module;
use crate::world::{LogLine, World};

/// Envoy's limit of linear memory per VM.
const MEMORY_LIMIT: usize = 1 << 30;

/// Instructions one callback may take before it counts as an endless loop. Envoy has no such limit: it would hang.
const FUEL_PER_CALL: u64 = 2_000_000_000;

/// What came of entering a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// The module does not export it; Envoy goes on as if it had returned "continue".
    Absent,
    Returned(u32),
    Trapped,
}

/// What the last request did besides its outcome.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// Callbacks entered, in order, without `proxy_on_`.
    pub callbacks: Vec<String>,
    /// What the filter said that becomes of the request: 0 goes on, 1 stops, 4 stops with its body.
    pub action: u32,
    /// How often each host call was made.
    pub host_calls: BTreeMap<&'static str, u64>,
    /// Instructions executed in the VM.
    pub fuel: u64,
    /// The request's headers at the end, as access logs print them.
    pub request: Headers,
    /// What `set_property` stored, for access logs.
    pub filter_state: BTreeMap<String, Vec<u8>>,
    /// Whether Envoy would choose the route again.
    pub route_cleared: bool,
}

pub(crate) struct Vm {
    store: Store<Guest>,
    instance: Instance,
    failed: bool,
    pub(crate) loaded_at_ns: u64,
    pub(crate) exchange: Exchange,
    /// Instructions of the callback that took most.
    pub(crate) longest: u64,
    /// Streams that are paused, oldest first.
    pub(crate) waiting: Vec<u32>,
}

impl Vm {
    /// A clone of the base VM: instantiated and initialised, no root context yet.
    pub(crate) fn load(module: &Module, world: &Rc<RefCell<World>>, vm: VmId, generation: u32) -> Result<Self> {
        let guest = Guest {
            vm,
            generation,
            world: Rc::clone(world),
            roots: BTreeMap::new(),
            streams: BTreeMap::new(),
            metric_ids: MetricIds::default(),
            last_context: 0,
            last_callout: 0,
            current: 0,
            effective: None,
            restricted: Some("initialisation"),
            host_calls: BTreeMap::new(),
            limits: limits(),
        };
        let engine = module.compiled().engine();
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.limits);
        store.set_fuel(FUEL_PER_CALL)?;
        let instance = imports::linker(module.compiled())?.instantiate(&mut store, module.compiled())?;
        let loaded_at_ns = world.borrow().now_ns;
        let mut vm = Self {
            store,
            instance,
            failed: false,
            loaded_at_ns,
            exchange: Exchange::default(),
            longest: 0,
            waiting: vec![],
        };
        vm.initialise()?;
        Ok(vm)
    }

    fn initialise(&mut self) -> Result<()> {
        let calls: [(&str, &[u32]); 2] = if self.exports("_initialize") {
            [("_initialize", &[]), ("main", &[0, 0])]
        } else {
            [("_start", &[]), ("", &[])]
        };
        for (export, arguments) in calls {
            let called = self.enter(0, export, arguments);
            anyhow::ensure!(called != Called::Trapped, "the module trapped in `{export}`: {}", self.last_log());
        }
        self.guest().restricted = None;
        Ok(())
    }

    /// Adds a root context: create, start, configure. `false` is the guest refusing its configuration.
    pub(crate) fn add_root(&mut self, plugin: &Rc<Plugin>) -> Option<u32> {
        let id = self.guest().new_context();
        let root = Root { plugin: Rc::clone(plugin), configuring: true, tick_period_ms: 0, reply: None };
        self.guest().roots.insert(id, root);
        let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let accepted = self.call(id, "context_create", &[id, 0]) != Called::Trapped
            && self.accepts(id, "vm_start", size(&plugin.vm_configuration))
            && self.accepts(id, "configure", size(&plugin.configuration));
        if let Some(root) = self.guest().roots.get_mut(&id) {
            root.configuring = false;
        }
        accepted.then_some(id)
    }

    fn accepts(&mut self, root: u32, callback: &str, size: u32) -> bool {
        match self.call(root, callback, &[root, size]) {
            Called::Absent => true,
            Called::Returned(accepted) => accepted != 0,
            Called::Trapped => false,
        }
    }

    /// Enters `proxy_on_<callback>` as `context`, if the module exports it.
    pub(crate) fn call(&mut self, context: u32, callback: &str, arguments: &[u32]) -> Called {
        let called = self.enter(context, &format!("proxy_on_{callback}"), arguments);
        if called != Called::Absent {
            self.exchange.callbacks.push(callback.to_owned());
        }
        called
    }

    fn enter(&mut self, context: u32, export: &str, arguments: &[u32]) -> Called {
        if self.failed {
            return Called::Trapped;
        }
        let Some(function) = self.instance.get_func(&mut self.store, export) else { return Called::Absent };
        let guest = self.store.data_mut();
        (guest.current, guest.effective) = (context, None);
        let arguments: Vec<_> = arguments.iter().map(|value| Val::I32(value.cast_signed())).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        let entered = self.store.set_fuel(FUEL_PER_CALL);
        let entered = entered.and_then(|()| function.call(&mut self.store, &arguments, &mut results));
        let fuel = FUEL_PER_CALL - self.store.get_fuel().unwrap_or(FUEL_PER_CALL);
        self.exchange.fuel += fuel;
        self.longest = self.longest.max(fuel);
        match entered {
            Ok(()) => Called::Returned(results.first().and_then(Val::i32).unwrap_or(0).cast_unsigned()),
            Err(error) => self.poison(export, &error),
        }
    }

    /// Nothing enters the VM again, and what it waits for never comes.
    fn poison(&mut self, export: &str, error: &wasmtime::Error) -> Called {
        self.failed = true;
        let guest = self.store.data();
        let mut world = guest.world();
        world.logs.push(LogLine { vm: guest.vm, level: 5, text: format!("function {export} failed: {error:?}") });
        world.callouts.retain(|callout| (callout.vm, callout.generation) != (guest.vm, guest.generation));
        Called::Trapped
    }

    /// Ends a root context, as when its listener has drained.
    pub(crate) fn drop_root(&mut self, root: u32) {
        self.call(root, "done", &[root]);
        self.call(root, "delete", &[root]);
        let guest = self.store.data_mut();
        guest.roots.remove(&root);
        let gone = (guest.vm, guest.generation, root);
        guest.world().callouts.retain(|callout| (callout.vm, callout.generation, callout.root) != gone);
    }

    /// The root context that new requests belong to.
    pub(crate) fn newest_root(&self) -> Option<u32> {
        self.store.data().roots.keys().next_back().copied()
    }

    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    pub(crate) fn guest(&mut self) -> &mut Guest {
        self.store.data_mut()
    }

    pub(crate) fn generation(&self) -> u32 {
        self.store.data().generation
    }

    pub(crate) fn exports(&mut self, export: &str) -> bool {
        self.instance.get_func(&mut self.store, export).is_some()
    }

    pub(crate) fn memory_bytes(&mut self) -> usize {
        let memory = self.instance.get_memory(&mut self.store, "memory");
        memory.map_or(0, |memory| memory.data_size(&self.store))
    }

    fn last_log(&mut self) -> String {
        self.guest().world().logs.last().map(|line| line.text.clone()).unwrap_or_default()
    }
}

fn limits() -> StoreLimits {
    StoreLimitsBuilder::new().memory_size(MEMORY_LIMIT).build()
}
