//! The proxy-wasm ABI: with its folder the only file that knows the host, and that has `unsafe`.
//!
//! Callbacks are exported as `portcullis_on_*`; `cargo xtask wasm` renames them to `proxy_on_*` in place of the SDK's,
//! whose dispatcher costs a VM entry per callback and panics on statuses and bytes it does not expect. Host functions
//! are declared in `imports` and return raw statuses for the same reason, and the allocator is `memory`'s. The SDK supplies the
//! ABI's types and its version marker.
//!
//! What is exported as `portcullis_egress_on_*` (`egress`) is in `portcullis-egress.wasm` alone: the callbacks of answers, which cost
//! every request an entry into the VM, and the start in which a VM learns that it has them.
//!
//! Invariant: no host status, no byte string and no callback order can make this file panic.

#![expect(unsafe_code, reason = "the host is called through raw pointers; each call says why it is sound")]

mod egress;
mod imports;
mod memory;

use core::cell::RefCell;
use core::fmt;

use portcullis_engine::{Denial, Reason, Request, SecretValue};
use proxy_wasm::types::{BufferType, LogLevel as SdkLogLevel, MapType, MetricType};

use egress::egress;
use imports::*;
use memory::bytes;

use crate::filter::Action;
use crate::host::{
    AnswerPart, Callout, DispatchFailed, Expect, Host, LogLevel, MetricKind, Reply, Shared, SharedConflict,
};
use crate::pairs;
use crate::plugin::Plugin;
use crate::reply;
use crate::roots::Roots;

const OK: u32 = 0;
const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;
/// Body and trailers wait too, whatever the proxy is configured to: a filter without callbacks for them would let them, and with them the
/// request, through.
const PAUSE_ALL: u32 = 4;
/// The direction from the client.
const REQUEST_STREAM: u32 = 0;

/// The proxy.
struct Proxy;

thread_local! {
    static ROOTS: RefCell<Roots<Plugin>> = const { RefCell::new(Roots::new()) };
}

/// Runs `with` on the roots, or gives `otherwise` should a callback ever come inside another.
fn roots<T>(otherwise: T, with: impl FnOnce(&mut Roots<Plugin>) -> T) -> T {
    ROOTS.with(|cell| match cell.try_borrow_mut() {
        Ok(mut roots) => with(&mut roots),
        Err(_) => otherwise,
    })
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_on_vm_start(_root: u32, _size: usize) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_on_configure(root: u32, _size: usize) -> u32 {
    match Plugin::configure(&Proxy) {
        Ok(plugin) => roots(0, |roots| {
            roots.add(root, plugin);
            1
        }),
        Err(error) => {
            Proxy.log(LogLevel::Error, format_args!("{error}"));
            0
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_on_tick(root: u32) {
    roots((), |roots| {
        roots.count_tick(root);
        if let Some(plugin) = roots.plugin(root) {
            plugin.tick(&Proxy);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_on_http_call_response(root: u32, token: u32, headers: usize, body: usize, _trailers: usize) {
    roots((), |roots| {
        if let Some(plugin) = roots.plugin(root) {
            plugin.answered(&Proxy, token, headers, body);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_on_context_create(context: u32, root: u32) {
    if root != 0 {
        roots((), |roots| roots.stream = (context, root));
    }
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_on_request_headers(context: u32, _headers: usize, _end_of_stream: u32) -> u32 {
    #[cfg(feature = "trap-injection")]
    trap_if_asked();
    egress((), |egress| egress.stream = context);
    let action = roots(None, |roots| {
        let (stream, root) = roots.stream;
        let plugin = if stream == context { roots.plugin(root) } else { None };
        plugin.map(|plugin| plugin.request(&Proxy, context))
    });
    match action {
        Some(Action::Forward) => CONTINUE,
        Some(Action::Replied) => PAUSE,
        Some(Action::Waits) => PAUSE_ALL,
        Some(Action::Missed) | None => {
            // Its plugin is unknown: there is no policy to decide with.
            Proxy.reply(&refusal(Reason::NoPolicy));
            PAUSE
        }
    }
}

/// Kills the VM in the middle of a request, for the tests of what follows.
#[cfg(feature = "trap-injection")]
fn trap_if_asked() {
    let (map, name) = (MapType::HttpRequestHeaders as u32, b"x-portcullis-trap");
    // SAFETY: `name` is static; `bytes` passes valid places for the result.
    let asked = bytes(|data, size| unsafe { proxy_get_header_map_value(map, name.as_ptr(), name.len(), data, size) });
    if asked.as_deref() == Some(b"1") {
        core::arch::wasm32::unreachable();
    }
}

fn refusal(reason: Reason) -> Reply {
    let request = Request { method: b"", path: None, headers: &[] };
    reply::render(None, &Denial::early(reason), &request)
}

impl Host for Proxy {
    fn now_nanos(&self) -> u64 {
        let mut time = 0;
        // SAFETY: `time` outlives the call, which writes eight bytes to it.
        let status = unsafe { proxy_get_current_time_nanoseconds(&raw mut time) };
        if status == OK { time } else { 0 }
    }

    fn log(&self, level: LogLevel, message: fmt::Arguments<'_>) {
        let level = match level {
            LogLevel::Debug => SdkLogLevel::Debug,
            LogLevel::Info => SdkLogLevel::Info,
            LogLevel::Warn => SdkLogLevel::Warn,
            LogLevel::Error => SdkLogLevel::Error,
        };
        let text = message.to_string();
        // SAFETY: pointer and size describe `text`, which outlives the call.
        unsafe { proxy_log(level as u32, text.as_ptr(), text.len()) };
    }

    fn set_tick_period(&self, milliseconds: u32) {
        // SAFETY: passes a number.
        unsafe { proxy_set_tick_period_milliseconds(milliseconds) };
    }

    fn configuration(&self) -> Option<Vec<u8>> {
        buffer(BufferType::PluginConfiguration, usize::MAX)
    }

    fn environment(&self, name: &str) -> Option<Vec<u8>> {
        let value = |entry: &[u8]| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec);
        egress(None, |egress| egress.environment.split(|byte| *byte == 0).find_map(value))
    }

    fn request_headers(&self) -> Option<Vec<u8>> {
        header_pairs(MapType::HttpRequestHeaders)
    }

    fn give_back(&self, headers: Vec<u8>) {
        memory::keep(headers);
    }

    fn add_request_header(&self, name: &str, value: &[u8]) {
        let map = MapType::HttpRequestHeaders as u32;
        // SAFETY: pointers and sizes describe `name` and `value`, which outlive the call.
        unsafe { proxy_add_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
    }

    fn replace_request_header(&self, name: &str, value: &[u8]) {
        let map = MapType::HttpRequestHeaders as u32;
        // SAFETY: as above.
        unsafe { proxy_replace_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
    }

    fn remove_request_header(&self, name: &[u8]) {
        // SAFETY: pointer and size describe `name`, which outlives the call.
        unsafe { proxy_remove_header_map_value(MapType::HttpRequestHeaders as u32, name.as_ptr(), name.len()) };
    }

    fn source_address(&self) -> Option<Vec<u8>> {
        let path = b"source\0address";
        // SAFETY: `path` is static; `bytes` passes valid places for the result.
        bytes(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
    }

    fn reply(&self, reply: &Reply) {
        let headers = reply.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let headers = pairs::serialize(headers);
        let grpc_status = reply.grpc_status.and_then(|status| i32::try_from(status).ok()).unwrap_or(-1);
        // SAFETY: pointers and sizes describe `reply` and `headers`, which outlive the call.
        unsafe {
            proxy_send_local_response(
                reply.status,
                reply.details.as_ptr(),
                reply.details.len(),
                reply.body.as_ptr(),
                reply.body.len(),
                headers.as_ptr(),
                headers.len(),
                grpc_status,
            )
        };
    }

    fn enter_stream(&self, stream: u32) -> bool {
        // SAFETY: passes a number; a stream that is gone is refused.
        if unsafe { proxy_set_effective_context(stream) } != OK {
            return false;
        }
        egress((), |egress| egress.stream = stream);
        // One that is over and not yet taken away is not refused; but it is known by then how long it took.
        let path = b"request\0duration";
        // SAFETY: `path` is static; `bytes` passes valid places for the result.
        bytes(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) }).is_none()
    }

    fn resume(&self) {
        // SAFETY: passes a number.
        unsafe { proxy_continue_stream(REQUEST_STREAM) };
    }

    fn set_log_field(&self, name: &str, value: &[u8]) {
        // SAFETY: pointers and sizes describe `name` and `value`, which outlive the call.
        unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
    }

    fn guards_answers(&self) -> bool {
        egress(false, |_| true)
    }

    fn guard(&self, masks: Vec<SecretValue>) {
        egress((), |egress| egress.guards.begin(egress.stream, masks));
    }

    fn answer_headers(&self, part: AnswerPart) -> Option<Vec<u8>> {
        header_pairs(map_of(part))
    }

    fn add_answer_header(&self, part: AnswerPart, name: &[u8], value: &[u8]) {
        // SAFETY: pointers and sizes describe `name` and `value`, which outlive the call.
        unsafe {
            proxy_add_header_map_value(map_of(part) as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len())
        };
    }

    fn remove_answer_header(&self, part: AnswerPart, name: &[u8]) {
        // SAFETY: pointer and size describe `name`, which outlives the call.
        unsafe { proxy_remove_header_map_value(map_of(part) as u32, name.as_ptr(), name.len()) };
    }

    fn shared(&self, key: &str) -> Option<Shared> {
        let mut cas = 0;
        let place = &raw mut cas;
        // SAFETY: `key` and `cas` outlive the call; `bytes` passes valid places for the result.
        let value = bytes(|data, size| unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), data, size, place) })?;
        Some(Shared { value, cas })
    }

    fn set_shared(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), SharedConflict> {
        // 0 overwrites; any other number must fit if the key exists, and creates it if not: so a number that no
        // value has means "only if absent".
        let cas = match expect {
            Expect::Anything => 0,
            Expect::Absent => u32::MAX,
            Expect::Unchanged(cas) => cas,
        };
        // SAFETY: pointers and sizes describe `key` and `value`, which outlive the call.
        let status = unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) };
        if status == OK { Ok(()) } else { Err(SharedConflict) }
    }

    fn dispatch(&self, call: &Callout<'_>) -> Result<u32, DispatchFailed> {
        let headers = pairs::serialize(call.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        let trailers = pairs::serialize(core::iter::empty());
        let mut token = 0;
        // SAFETY: pointers and sizes describe values that outlive the call, which writes four bytes to `token`.
        let status = unsafe {
            proxy_http_call(
                call.cluster.as_ptr(),
                call.cluster.len(),
                headers.as_ptr(),
                headers.len(),
                call.body.as_ptr(),
                call.body.len(),
                trailers.as_ptr(),
                trailers.len(),
                call.timeout_ms,
                &raw mut token,
            )
        };
        if status == OK { Ok(token) } else { Err(DispatchFailed) }
    }

    fn callout_header(&self, name: &str) -> Option<Vec<u8>> {
        let map = MapType::HttpCallResponseHeaders as u32;
        // SAFETY: `name` outlives the call; `bytes` passes valid places for the result.
        bytes(|data, size| unsafe { proxy_get_header_map_value(map, name.as_ptr(), name.len(), data, size) })
    }

    fn callout_body(&self, size: usize) -> Option<Vec<u8>> {
        buffer(BufferType::HttpCallResponseBody, size)
    }

    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<u32> {
        let kind = match kind {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
        };
        let mut id = 0;
        // SAFETY: `name` outlives the call, which writes four bytes to `id`.
        let status = unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut id) };
        (status == OK).then_some(id)
    }

    fn increment(&self, metric: u32, by: u32) {
        // SAFETY: passes numbers.
        unsafe { proxy_increment_metric(metric, i64::from(by)) };
    }

    fn set_gauge(&self, metric: u32, value: u64) {
        // SAFETY: passes numbers.
        unsafe { proxy_record_metric(metric, value) };
    }
}

fn header_pairs(map: MapType) -> Option<Vec<u8>> {
    // SAFETY: `bytes` passes valid places for the result.
    bytes(|data, size| unsafe { proxy_get_header_map_pairs(map as u32, data, size) })
}

const fn map_of(part: AnswerPart) -> MapType {
    match part {
        AnswerPart::Headers => MapType::HttpResponseHeaders,
        AnswerPart::Trailers => MapType::HttpResponseTrailers,
    }
}

fn buffer(kind: BufferType, size: usize) -> Option<Vec<u8>> {
    // SAFETY: `bytes` passes valid places for the result.
    bytes(|data, out| unsafe { proxy_get_buffer_bytes(kind as u32, 0, size, data, out) })
}
