//! Modules that do one thing each on every request: what a filter, an entry into its VM and a host call cost in the real Envoy.
//!
//! With them `bench instructions --calls` says what of this filter's cost is the proxy's, and how cheap any filter of this kind can be at
//! all. Invariant: nothing in them decides or keeps anything.

use std::path::Path;

use anyhow::Context as _;

use super::NamedModule;

/// What each does: a name, callbacks beside the request's, and the request's body.
const CALLS: [(&str, &str, &str); 12] = [
    ("one entry", "", ""),
    ("and a second", CONTEXT, ""),
    ("all entries", ENTRIES, ""),
    ("the time", "", "(call $now)"),
    ("a header read", "", "(call $get)"),
    ("all headers read", "", "(call $pairs)"),
    ("and all set", "", "(call $pairs) (call $set_pairs)"),
    ("a header removed", "", "(call $remove)"),
    ("a header added", "", "(call $add)"),
    ("two added", "", "(call $add) (call $add)"),
    ("the least", CONTEXT, "(call $pairs) (call $remove) (call $add)"),
    ("all the calls", CONTEXT, "(call $pairs) (call $remove) (call $add) (call $add) (call $add) (call $add)"),
];

const CONTEXT: &str = r#"(func (export "proxy_on_context_create") (param i32 i32))"#;

const ENTRIES: &str = r#"
(func (export "proxy_on_context_create") (param i32 i32))
(func (export "proxy_on_request_body") (param i32 i32 i32) (result i32) (i32.const 0))
(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) (i32.const 0))
(func (export "proxy_on_response_body") (param i32 i32 i32) (result i32) (i32.const 0))
(func (export "proxy_on_done") (param i32) (result i32) (i32.const 1))
(func (export "proxy_on_log") (param i32))
(func (export "proxy_on_delete") (param i32))
"#;

/// Host functions first, then the texts they are called with, then each call with those.
const MODULE: &str = r#"(module
(import "env" "proxy_get_current_time_nanoseconds" (func $host_now (param i32) (result i32)))
(import "env" "proxy_get_header_map_value" (func $host_get (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_get_header_map_pairs" (func $host_pairs (param i32 i32 i32) (result i32)))
(import "env" "proxy_set_header_map_pairs" (func $host_set_pairs (param i32 i32 i32) (result i32)))
(import "env" "proxy_add_header_map_value" (func $host_add (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_remove_header_map_value" (func $host_remove (param i32 i32 i32) (result i32)))
(memory (export "memory") 2)
(data (i32.const 64) "authorization")
(data (i32.const 96) "x-portcullis-key-id")
(data (i32.const 128) "key_0123456789abcdef")
(func $now (drop (call $host_now (i32.const 0))))
(func $get (drop (call $host_get (i32.const 0) (i32.const 64) (i32.const 13) (i32.const 0) (i32.const 4))))
(func $pairs (drop (call $host_pairs (i32.const 0) (i32.const 0) (i32.const 4))))
(func $set_pairs (drop (call $host_set_pairs (i32.const 0) (i32.load (i32.const 0)) (i32.load (i32.const 4)))))
(func $add (drop (call $host_add (i32.const 0) (i32.const 96) (i32.const 19) (i32.const 128) (i32.const 20))))
(func $remove (drop (call $host_remove (i32.const 0) (i32.const 64) (i32.const 13))))
(func (export "proxy_abi_version_0_2_1"))
(func (export "malloc") (param i32) (result i32) (i32.const 4096))
(func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
(func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
CALLBACKS
(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) BODY (i32.const 0)))"#;

/// Writes the modules into a folder.
pub(super) fn modules(folder: &Path) -> anyhow::Result<Vec<NamedModule>> {
    let module = |(name, callbacks, body): (&str, &str, &str)| {
        let path = folder.join(format!("{}.wasm", name.replace(' ', "-")));
        let module = MODULE.replace("CALLBACKS", callbacks).replace("BODY", body);
        std::fs::write(&path, wat::parse_str(module)?).with_context(|| format!("`{}`", path.display()))?;
        Ok(NamedModule { name: name.to_owned(), path })
    };
    CALLS.into_iter().map(module).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_is_one() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        assert_eq!(modules(folder.path())?.len(), CALLS.len());
        Ok(())
    }
}
