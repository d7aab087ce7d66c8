//! Policies that are valid and doubtful: which rules are warned about, and in which words.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::Path;

use portcullis_policy::{Severity, check, check_file};

const HEAD: &str = r#"name = "shop"
environments = ["live", "test"]
scopes = ["a:write"]
credentials = [{ in = "header", name = "x-api-key" }]
keys = [{ prefix = "k_", environment = "live", body_length = 32 }]
"#;

/// Rules are `METHODS PATH DEMAND`, `*` for every method, one per line from line 7 on; the default is on line 6.
fn warnings(default: &str, rules: &[&str]) -> Vec<String> {
    let rules = rules.iter().map(|rule| {
        let words: Vec<&str> = rule.split(' ').collect();
        let [methods, path, demand] = words[..] else { panic!("{rule}") };
        let methods: Vec<_> = methods.split(',').filter(|it| *it != "*").map(|it| format!("'{it}'")).collect();
        let demand = match demand {
            "any" => "access = 'key'",
            "public" => "access = 'public'",
            "live" => "environments = ['live']",
            _ => "all = ['a:write']",
        };
        format!("    {{ methods = [{}], path = '{path}', {demand} }},\n", methods.join(","))
    });
    let source = format!("{HEAD}default = '{default}'\nrules = [\n{}]\n", rules.collect::<String>());
    let checked = check(&source, "shop.toml").unwrap_or_else(|refused| panic!("{refused}"));
    let entries = checked.warnings.iter().flat_map(|it| it.entries());
    let brief = |entry: &portcullis_policy::Diagnostic| {
        assert_eq!(entry.severity, Severity::Warning);
        format!("{}: {}", entry.position.as_ref().unwrap().line, entry.message)
    };
    entries.map(brief).collect()
}

#[test]
fn methods_left_to_a_laxer_rule_are_warned_about() {
    let (all, most) = ("`POST`, `PUT`, `PATCH` and `DELETE`", "`PUT`, `PATCH` and `DELETE`");
    for (rules, expect) in [
        (&["* /v1/** any", "POST /v1/pay write"][..], &[(9, most, 8)][..]),
        (&["* /v1/** any", "POST /v1/pay live"], &[(9, most, 8)]),
        (&["* /v1/** any", "GET /v1/pay/** write"], &[(9, all, 8)]),
        (&["* /** public", "GET /v1/pay any"], &[(9, all, 8)]),
        (&["* /** public", "* /v1/** any", "PUT,PATCH,DELETE /v1/{id} write"], &[(10, "`POST`", 9)]),
        (&["* /{name} any", "POST /pay write"], &[(9, most, 8)]),
        (&["* /v1/** any", "POST /v1/** write"], &[(9, most, 8)]),
        // On the path itself another rule guards them, below it none does.
        (&["* /v1/** any", "GET /v1/pay/** write", "* /v1/pay write"], &[(9, all, 8)]),
        // Everything is guarded, or nothing is, or what is free is written down.
        (&["* /v1/** any", "* /v1/pay write"], &[]),
        (&["* /v1/** any", "POST /v1/pay write", "* /v1/pay live"], &[]),
        (&["* /v1/** any", "POST /v1/pay any"], &[]),
        (&["* /v1/** live", "POST /v1/pay write"], &[]),
        (&["* /v1/** any", "POST,PUT /v1/pay write", "PATCH,DELETE /v1/pay any"], &[]),
        (&["* /v1/** any", "POST,PUT,PATCH,DELETE /v1/pay write"], &[]),
        (&["GET /** public", "POST /v1/pay write"], &[]),
        (&["POST /v1/pay write"], &[]),
    ] {
        let line = |(at, methods, by): &(usize, &str, usize)| {
            format!("{at}: {methods} of this path fall to the rule on line {by}, which wants less")
        };
        assert_eq!(warnings("deny", rules), expect.iter().map(line).collect::<Vec<_>>(), "{rules:?}");
    }
}

#[test]
fn so_is_a_default_that_lets_them_pass() {
    for (default, rule, warned) in [
        ("authenticate", "POST /pay write", true),
        ("authenticate", "POST /pay any", false),
        ("public", "POST /pay any", true),
        ("public", "POST /pay public", false),
        ("deny", "POST /pay write", false),
    ] {
        let words =
            "8: `PUT`, `PATCH` and `DELETE` of this path fall to the policy's default, on line 6, which wants less";
        let expect: Vec<&str> = warned.then_some(words).into_iter().collect();
        assert_eq!(warnings(default, &[rule]), expect, "{default}: {rule}");
    }
}

#[test]
fn it_is_printed_with_place_and_hint() {
    let source = format!(
        "{HEAD}\n[[rules]]\npath = \"/**\"\n\n[[rules]]\nmethods = [\"POST\"]\npath = \"/pay\"\nall = [\"a:write\"]\n"
    );
    let printed = check(&source, "shop.toml").unwrap().warnings.unwrap().to_string();
    assert_eq!(
        printed,
        "shop.toml:12:8: warning: `PUT`, `PATCH` and `DELETE` of this path fall to the rule on line 8, which wants less\n 12 | path = \"/pay\"\n    |        ^^^^^^\nhint: add a rule for this path without `methods`, so that what is not listed is guarded too"
    );
}

#[test]
fn the_presets_are_beyond_doubt() {
    for preset in ["systemprompt", "payments", "fetchprompt"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies").join(preset).join("policy.toml");
        let warnings = check_file(&file).unwrap().warnings;
        assert!(warnings.is_none(), "{}", warnings.unwrap());
    }
}
