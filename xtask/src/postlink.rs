//! What happens to the module after linking: exports pruned and renamed, dead code dropped.
//!
//! Envoy enters the VM for every callback that a module exports, and the SDK exports all of them; each entry costs
//! about half a microsecond a request. The filter exports the callbacks it means as `portcullis_on_*`; this step
//! renames them to `proxy_on_*` and drops the SDK's. What it exports as `portcullis_egress_on_*` comes in place of those or beside them
//! in the module for requests to services, which has to see answers too. Invariant: the result exports nothing that Envoy does not call.

use anyhow::Context as _;
use walrus::{ExportId, Module, ModuleConfig};

const OURS: &str = "portcullis_on_";
const EGRESS: &str = "portcullis_egress_on_";
const HOST: &str = "proxy_on_";
/// Exports that stay as they are.
const KEPT: [&str; 3] = ["memory", "proxy_abi_version_0_2_1", "_initialize"];
/// The filter's allocator, and the name under which every host looks for one; the SDK's has it before.
const ALLOCATOR: (&str, &str) = ("portcullis_malloc", "malloc");

/// Which callbacks a module has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Those of requests.
    Plain,
    /// Those of answers as well.
    Egress,
}

impl Variant {
    /// The callback that is exported under that name.
    fn callback(self, export: &str) -> Option<&str> {
        let egress = export.strip_prefix(EGRESS).filter(|_| self == Self::Egress);
        egress.or_else(|| export.strip_prefix(OURS))
    }
}

/// Prunes a linked module.
pub(crate) fn postlink(linked: &[u8], variant: Variant) -> anyhow::Result<Vec<u8>> {
    let mut config = ModuleConfig::new();
    config.generate_producers_section(false).generate_name_section(true);
    let mut module = config.parse(linked).context("not a module")?;
    let exports: Vec<(ExportId, String)> = module.exports.iter().map(|it| (it.id(), it.name.clone())).collect();
    let has = |name: &str| exports.iter().any(|(_, export)| export == name);
    anyhow::ensure!(has(ALLOCATOR.0), "the module does not export `{}`", ALLOCATOR.0);
    anyhow::ensure!(has("memory"), "the module exports no memory");
    anyhow::ensure!(has(KEPT[1]), "the module does not export `{}`", KEPT[1]);
    anyhow::ensure!(
        exports.iter().any(|(_, name)| name.starts_with(OURS)),
        "the module exports no `{OURS}*`\nhint: the filter's callbacks are exported under that prefix in src/abi.rs"
    );
    for (id, name) in exports.iter().filter(|(_, name)| !KEPT.contains(&name.as_str())) {
        let replaced = |callback: &str| variant == Variant::Egress && has(&format!("{EGRESS}{callback}"));
        match variant.callback(name) {
            _ if name == ALLOCATOR.0 => ALLOCATOR.1.clone_into(&mut module.exports.get_mut(*id).name),
            Some(callback) if name.starts_with(EGRESS) || !replaced(callback) => {
                module.exports.get_mut(*id).name = format!("{HOST}{callback}");
            }
            _ => module.exports.delete(*id),
        }
    }
    drop_producers(&mut module);
    walrus::passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

fn drop_producers(module: &mut Module) {
    let ids: Vec<_> = module.customs.iter().filter(|(_, it)| it.name() == "producers").map(|(id, _)| id).collect();
    for id in ids {
        module.customs.delete(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that exports functions under these names, beside `memory`.
    fn module(names: &[&str]) -> Vec<u8> {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        module.exports.add("memory", memory);
        for name in names {
            let mut builder = walrus::FunctionBuilder::new(&mut module.types, &[], &[]);
            builder.name((*name).to_owned()).func_body();
            let id = builder.finish(vec![], &mut module.funcs);
            module.exports.add(name, id);
        }
        module.emit_wasm()
    }

    fn exports(wasm: &[u8]) -> Vec<String> {
        let module = Module::from_buffer(wasm).unwrap();
        let mut names: Vec<_> = module.exports.iter().map(|it| it.name.clone()).collect();
        names.sort();
        names
    }

    fn check(names: &[&str], variant: Variant, expected: &[&str]) {
        assert_eq!(exports(&postlink(&module(names), variant).unwrap()), expected);
    }

    #[test]
    fn keeps_what_the_host_calls() {
        let abi = "proxy_abi_version_0_2_1";
        check(
            &[abi, "malloc", ALLOCATOR.0, "portcullis_on_tick", "proxy_on_tick", "proxy_on_log"],
            Variant::Plain,
            &["malloc", "memory", abi, "proxy_on_tick"],
        );
        check(
            &[abi, ALLOCATOR.0, "_initialize", "portcullis_on_vm_start"],
            Variant::Egress,
            &["_initialize", "malloc", "memory", abi, "proxy_on_vm_start"],
        );
    }

    #[test]
    fn callbacks_of_answers_are_in_one_variant() {
        let abi = "proxy_abi_version_0_2_1";
        let names = [abi, ALLOCATOR.0, "portcullis_on_tick", "portcullis_on_vm_start", "portcullis_egress_on_vm_start"];
        let names = [names.as_slice(), &["portcullis_egress_on_delete"]].concat();
        check(&names, Variant::Plain, &["malloc", "memory", abi, "proxy_on_tick", "proxy_on_vm_start"]);
        let all = ["malloc", "memory", abi, "proxy_on_delete", "proxy_on_tick", "proxy_on_vm_start"];
        check(&names, Variant::Egress, &all);
        let module = Module::from_buffer(&postlink(&module(&names), Variant::Egress).unwrap()).unwrap();
        let start = module.exports.get_func("proxy_on_vm_start").unwrap();
        assert_eq!(module.funcs.get(start).name.as_deref(), Some("portcullis_egress_on_vm_start"));
    }

    #[test]
    fn refuses_a_module_that_envoy_could_not_run() {
        for names in
            [&[ALLOCATOR.0, "portcullis_on_tick"][..], &["proxy_abi_version_0_2_1", "malloc", "portcullis_on_tick"]]
        {
            assert!(postlink(&module(names), Variant::Plain).is_err(), "{names:?}");
        }
    }
}
