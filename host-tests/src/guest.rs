//! What the host keeps for one VM: its contexts, its metric ids, what it may call right now.
//!
//! Data and lookups only; entering the VM is `vm`, answering its calls is `imports`. Invariant: a header map is open
//! only in its phase, and a stream's root exists as long as the stream does.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::abi::{MapType, Status};
use crate::headers::Headers;
use crate::metrics::MetricIds;
use crate::world::World;

/// One VM of a process, as tests name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VmId {
    /// The main-thread VM: ticks and calls out, never sees a request, is never reloaded.
    Main,
    /// The VM of a worker thread, counted from 0.
    Worker(usize),
    /// Started, configured and dropped before any other.
    Canary,
}

/// What a plugin is configured with.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) name: String,
    pub(crate) root_id: String,
    pub(crate) vm_id: String,
    pub(crate) configuration: Vec<u8>,
    pub(crate) vm_configuration: Vec<u8>,
}

/// A plugin's context in one VM.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) plugin: Rc<Plugin>,
    /// Readable only while the context is created or configured.
    pub(crate) configuring: bool,
    /// Zero is no timer.
    pub(crate) tick_period_ms: u32,
    /// The callout reply being delivered; none on a failure, though the guest is called.
    pub(crate) reply: Option<CalloutReply>,
}

/// A callout's reply, while the guest may read it.
#[derive(Clone, Debug)]
pub(crate) struct CalloutReply {
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// The phase of a stream that decides which maps are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Created,
    Request,
    Response,
    Trailers,
    Log,
    Over,
}

/// What a guest asked to answer the client with.
#[derive(Clone, Debug)]
pub(crate) struct LocalReply {
    pub(crate) status: u32,
    pub(crate) details: String,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) grpc_status: i32,
}

/// One request and its response.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) root: u32,
    pub(crate) phase: Phase,
    /// Stays readable after the request phase if the guest stopped there, a local reply included.
    pub(crate) request_stopped: bool,
    pub(crate) request: Headers,
    pub(crate) response: Headers,
    pub(crate) trailers: Headers,
    pub(crate) source: String,
    pub(crate) connection: u64,
    pub(crate) request_id: String,
    pub(crate) time_ns: u64,
    pub(crate) route_cleared: bool,
    pub(crate) closed: bool,
    pub(crate) continued: bool,
    /// The request is over, but its context is still there.
    pub(crate) complete: bool,
    pub(crate) reply: Option<LocalReply>,
    pub(crate) filter_state: BTreeMap<String, Vec<u8>>,
}

/// The state behind one VM's host calls.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) vm: VmId,
    /// Counts reloads, so that a reply to a dead VM's callout does not reach its successor.
    pub(crate) generation: u32,
    pub(crate) world: Rc<RefCell<World>>,
    pub(crate) roots: BTreeMap<u32, Root>,
    pub(crate) streams: BTreeMap<u32, Stream>,
    pub(crate) metric_ids: MetricIds,
    pub(crate) last_context: u32,
    pub(crate) last_callout: u32,
    /// The context Envoy called into.
    pub(crate) current: u32,
    /// The context the guest asked to act as.
    pub(crate) effective: Option<u32>,
    /// While set, the guest may only log; the text says why.
    pub(crate) restricted: Option<&'static str>,
    pub(crate) host_calls: BTreeMap<&'static str, u64>,
    pub(crate) limits: wasmtime::StoreLimits,
}

impl Guest {
    pub(crate) fn world(&self) -> RefMut<'_, World> {
        self.world.borrow_mut()
    }

    pub(crate) fn context(&self) -> u32 {
        self.effective.filter(|id| self.exists(*id)).unwrap_or(self.current)
    }

    pub(crate) fn exists(&self, context: u32) -> bool {
        self.roots.contains_key(&context) || self.streams.contains_key(&context)
    }

    pub(crate) fn stream(&mut self) -> Option<&mut Stream> {
        let context = self.context();
        self.streams.get_mut(&context)
    }

    /// The root context of whatever context is acting.
    pub(crate) fn root_id(&self) -> u32 {
        let context = self.context();
        self.streams.get(&context).map_or(context, |stream| stream.root)
    }

    pub(crate) fn root(&mut self) -> Option<&mut Root> {
        let root = self.root_id();
        self.roots.get_mut(&root)
    }

    pub(crate) fn plugin(&self) -> Option<Rc<Plugin>> {
        self.roots.get(&self.root_id()).map(|root| Rc::clone(&root.plugin))
    }

    pub(crate) fn new_context(&mut self) -> u32 {
        self.last_context += 1;
        self.last_context
    }

    /// The map, where the phase lets the guest read it.
    pub(crate) fn readable(&mut self, map: MapType) -> Option<&Headers> {
        match map {
            MapType::CalloutHeaders => self.root()?.reply.as_ref().map(|reply| &reply.headers),
            MapType::RequestHeaders => self.stream().filter(|stream| stream.shows_request()).map(|s| &s.request),
            MapType::ResponseHeaders => self.stream().filter(|stream| stream.shows_response()).map(|s| &s.response),
            MapType::ResponseTrailers => self.stream().filter(|stream| stream.shows_trailers()).map(|s| &s.trailers),
            MapType::Absent => None,
        }
    }

    /// The map, where the phase lets the guest change it: never while logging.
    pub(crate) fn writable(&mut self, map: MapType) -> Result<&mut Headers, Status> {
        let stream = self.stream().filter(|stream| stream.phase != Phase::Log).ok_or(Status::BadArgument)?;
        match map {
            MapType::RequestHeaders if stream.shows_request() => {
                stream.route_cleared = true;
                Ok(&mut stream.request)
            }
            MapType::ResponseHeaders if stream.shows_response() => Ok(&mut stream.response),
            MapType::ResponseTrailers if stream.shows_trailers() => Ok(&mut stream.trailers),
            _ => Err(Status::BadArgument),
        }
    }
}

impl Stream {
    fn shows_request(&self) -> bool {
        match self.phase {
            Phase::Request | Phase::Log => true,
            Phase::Response | Phase::Trailers => self.request_stopped,
            Phase::Created | Phase::Over => false,
        }
    }

    fn shows_response(&self) -> bool {
        matches!(self.phase, Phase::Response | Phase::Trailers | Phase::Log)
    }

    fn shows_trailers(&self) -> bool {
        matches!(self.phase, Phase::Trailers | Phase::Log)
    }
}
