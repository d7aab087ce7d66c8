//! The proxy-wasm ABI: the only file that knows the host, and the only one with `unsafe`.
//!
//! Callbacks are exported as `portcullis_on_*`; `cargo xtask wasm` renames them to `proxy_on_*` in place of the SDK's,
//! whose dispatcher costs a VM entry per callback and panics on statuses and bytes it does not expect. Host functions
//! are declared here and return raw statuses for the same reason. The SDK supplies the ABI's types, its version marker
//! and the allocator.
//!
//! What is exported as `portcullis_egress_on_*` is in `portcullis-egress.wasm` alone: the callbacks of answers, which cost every request
//! an entry into the VM, and the start in which a VM learns that it has them.
//!
//! Invariant: no host status, no byte string and no callback order can make this file panic.

#![expect(unsafe_code, reason = "the host is called through raw pointers; each call says why it is sound")]

use core::cell::RefCell;
use core::fmt;

use portcullis_engine::{Denial, Reason, Request, SecretValue};
use proxy_wasm::types::{BufferType, LogLevel as SdkLogLevel, MapType, MetricType};
use zeroize::Zeroizing;

use crate::filter::Action;
use crate::guard::Guards;
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

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_buffer_bytes(kind: u32, start: usize, max: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, key: *const u8, key_size: usize) -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(key: *const u8, key_size: usize, value: *const u8, value_size: usize, cas: u32) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_http_call(
        upstream: *const u8,
        upstream_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
}

// Part of the ABI (WASI preview 1). Only `portcullis-egress.wasm` imports them: where they are not used, the linker's pruning drops them.
#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn environ_sizes_get(count: *mut usize, size: *mut usize) -> u32;
    fn environ_get(entries: *mut *mut u8, buffer: *mut u8) -> u32;
}

/// The proxy.
struct Proxy;

/// What a VM with the callbacks of answers has.
struct Egress {
    /// The variables that the proxy gives its VMs: `NAME=value`, each with a NUL at its end.
    environment: Zeroizing<Vec<u8>>,
    guards: Guards,
    /// The stream whose request is spoken of.
    stream: u32,
}

thread_local! {
    static ROOTS: RefCell<Roots<Plugin>> = const { RefCell::new(Roots::new()) };
    /// `None` in a VM that has no callbacks for answers.
    static EGRESS: RefCell<Option<Egress>> = const { RefCell::new(None) };
}

/// Runs `with` on what a VM has that sees answers, or gives `otherwise`.
fn egress<T>(otherwise: T, with: impl FnOnce(&mut Egress) -> T) -> T {
    EGRESS.with(|cell| match cell.try_borrow_mut().as_deref_mut() {
        Ok(Some(egress)) => with(egress),
        Ok(None) | Err(_) => otherwise,
    })
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

/// In place of the one above.
#[unsafe(no_mangle)]
extern "C" fn portcullis_egress_on_vm_start(_root: u32, _size: usize) -> u32 {
    let environment = Zeroizing::new(environment());
    EGRESS.with(|cell| {
        if let Ok(mut cell) = cell.try_borrow_mut() {
            // Another plugin of this VM may have streams.
            let guards = cell.take().map(|it| it.guards).unwrap_or_default();
            *cell = Some(Egress { environment, guards, stream: 0 });
        }
    });
    1
}

/// Every variable that the proxy gives its VMs.
fn environment() -> Vec<u8> {
    let (mut count, mut size) = (0, 0);
    // SAFETY: both places outlive the call, which writes four bytes to each.
    if unsafe { environ_sizes_get(&raw mut count, &raw mut size) } != OK {
        return Vec::new();
    }
    let (mut entries, mut buffer) = (vec![core::ptr::null_mut::<u8>(); count], vec![0; size]);
    // SAFETY: the places hold as many pointers and bytes as the host just said it writes.
    let status = unsafe { environ_get(entries.as_mut_ptr(), buffer.as_mut_ptr()) };
    if status == OK { buffer } else { Vec::new() }
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_egress_on_response_headers(stream: u32, _headers: usize, _end_of_stream: u32) -> u32 {
    look(stream, AnswerPart::Headers)
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_egress_on_response_trailers(stream: u32, _trailers: usize) -> u32 {
    look(stream, AnswerPart::Trailers)
}

#[unsafe(no_mangle)]
extern "C" fn portcullis_egress_on_delete(stream: u32) {
    egress((), |egress| egress.guards.end(stream));
}

fn look(stream: u32, part: AnswerPart) -> u32 {
    if egress(true, |egress| egress.guards.look(&Proxy, stream, part)) {
        return CONTINUE;
    }
    Proxy.reply(&refusal(Reason::AnswersUnguarded));
    PAUSE
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

/// Bytes that the host put into this VM's memory through its allocator.
fn take(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() || size == 0 {
        return Vec::new();
    }
    // SAFETY: the host got `data` from this module's allocator, as a boxed slice of exactly `size` bytes, filled it
    // and handed it over; nobody else frees it.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

/// Calls a host function that returns bytes; `None` unless it says OK.
fn bytes(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Option<Vec<u8>> {
    let (mut data, mut size) = (core::ptr::null_mut(), 0);
    let status = call(&raw mut data, &raw mut size);
    (status == OK).then(|| take(data, size))
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
