//! The module itself: what it asks of a proxy, what it offers, how large it is.

use portcullis_host_tests::{Module, workspace};

/// Bytes. A proxy compiles this on its main thread before it serves. Access tokens take some 120 KiB of it: P-256 25, RSA 4,
/// reading and judging them the rest; Ed25519 was there. Requests to services take some 160 KiB: opening sealed boxes (X25519, XSalsa20,
/// Poly1305, BLAKE2b), skills, references and credentials. Both modules hold all of it; what sees answers is a few KiB more.
/// On a machine without wasm-opt they are a tenth larger, and that is what has to fit.
const SIZE_LIMIT: usize = 1120 * 1024;

#[track_caller]
fn check_golden(name: &str, found: &[String]) {
    let path = workspace().join("host-tests/golden").join(name);
    let found = found.join("\n") + "\n";
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, golden,
        "host-tests/golden/{name} differs\nhint: if you meant it, run the test with PORTCULLIS_BLESS=1 and say why in the commit"
    );
}

#[test]
fn it_imports_what_proxies_have_and_nothing_else() {
    // An import that a host lacks keeps the module from loading there; WASI would be one.
    let plain = Module::built().unwrap().imports();
    assert!(plain.iter().all(|name| name.starts_with("env.")), "{plain:?}");
    check_golden("imports.txt", &plain);
    // The one for services reads a variable of the proxy's environment, and that alone.
    check_golden("imports-egress.txt", &Module::egress().unwrap().imports());
}

#[test]
fn it_exports_only_callbacks_that_do_something() {
    // Every exported callback costs an entry into the VM, for every request.
    check_golden("exports.txt", &Module::built().unwrap().exports());
    check_golden("exports-egress.txt", &Module::egress().unwrap().exports());
}

#[test]
fn it_is_small() {
    for module in [Module::built(), Module::egress()] {
        let size = module.unwrap().size();
        assert!(size <= SIZE_LIMIT, "{size} bytes");
    }
}
