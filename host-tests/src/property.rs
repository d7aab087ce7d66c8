//! Properties by path, as Envoy serialises them.
//!
//! Only what a request on plain HTTP/1.1 has before it is routed; anything else is absent. Integers are eight bytes
//! little endian, booleans one byte, text is raw bytes.

use crate::guest::{Plugin, Stream};

/// The property at `path` (parts joined by NUL), if there is one here and now.
pub(crate) fn read(plugin: Option<&Plugin>, stream: Option<&Stream>, path: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(path).ok()?;
    let parts: Vec<&str> = text.trim_end_matches('\0').split('\0').collect();
    of_plugin(plugin, &parts).or_else(|| of_stream(stream?, &parts))
}

fn of_plugin(plugin: Option<&Plugin>, parts: &[&str]) -> Option<Vec<u8>> {
    let plugin = plugin?;
    let text = match parts {
        ["plugin_name"] => &plugin.name,
        ["plugin_root_id"] => &plugin.root_id,
        ["plugin_vm_id"] => &plugin.vm_id,
        _ => return None,
    };
    Some(text.as_bytes().to_vec())
}

fn of_stream(stream: &Stream, parts: &[&str]) -> Option<Vec<u8>> {
    match parts {
        ["source", "address"] => Some(stream.source.as_bytes().to_vec()),
        ["source", "port"] => Some(integer(stream.source.rsplit_once(':')?.1.parse().ok()?)),
        ["connection_id"] | ["connection", "id"] => Some(integer(stream.connection)),
        ["connection", "mtls"] => Some(vec![0]),
        ["request", name] => of_request(stream, name),
        ["request", "headers", name] => joined(stream, name),
        [name] => stream.filter_state.get(*name).cloned(),
        _ => None,
    }
}

fn of_request(stream: &Stream, name: &str) -> Option<Vec<u8>> {
    let header = |name| stream.request.get(name).map(<[u8]>::to_vec);
    let split = |path: Vec<u8>| {
        let at = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
        let (path, query) = path.split_at_checked(at).unwrap_or_default();
        (path.to_vec(), query.strip_prefix(b"?").unwrap_or(query).to_vec())
    };
    match name {
        "path" => header(":path"),
        "url_path" => header(":path").map(|path| split(path).0),
        "query" => header(":path").map(|path| split(path).1),
        "host" => header(":authority"),
        "method" => header(":method"),
        "scheme" => header(":scheme"),
        "useragent" => header("user-agent"),
        "referer" => header("referer"),
        "id" => Some(stream.request_id.as_bytes().to_vec()),
        "protocol" => Some(b"HTTP/1.1".to_vec()),
        "time" => Some(integer(stream.time_ns)),
        "size" => Some(integer(0)),
        "duration" => stream.complete.then(|| integer(1)),
        _ => None,
    }
}

/// The property joins duplicates that the header map keeps apart.
fn joined(stream: &Stream, name: &str) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = stream.request.all(name).collect();
    (!values.is_empty()).then(|| values.join(&b","[..])).filter(|value| !value.is_empty())
}

fn integer(value: u64) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}
