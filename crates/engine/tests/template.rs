//! Templates, methods and the router, against tables and against a naive specification.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use portcullis_engine::path::CanonicalPath;
use portcullis_engine::template::{MethodSet, Router, Template, Tie};
use proptest::prelude::*;

fn methods(list: &str) -> MethodSet {
    let list: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
    MethodSet::parse(&list).unwrap()
}

/// Each rule is `METHOD,METHOD /path`, or only a path.
fn rule(text: &str) -> (MethodSet, Template) {
    let (list, path) = text.split_once(' ').unwrap_or(("", text));
    (methods(&list.replace(',', " ")), Template::parse(path).unwrap())
}

fn check_match(template: &str, path: &str, expect: bool) {
    let parsed = Template::parse(template).unwrap();
    let canonical = CanonicalPath::parse(path.as_bytes()).unwrap();
    assert_eq!(parsed.matches(canonical.segments()), expect, "{template} on {path}");
    assert_eq!(parsed.to_string(), template);
    let router = Router::build(&[(MethodSet::any(), parsed)]).unwrap();
    assert_eq!(router.find(b"GET", canonical.segments()).is_some(), expect, "router: {template} on {path}");
}

#[test]
fn templates_match_whole_segments() {
    for (template, hits, misses) in [
        ("/", "/ /?x", "/a"),
        ("/**", "/ /a /a/b/c", ""),
        ("/a", "/a /a/ /%61", "/ /b /A /ab /a/b /a%20 /a;x"),
        ("/a/**", "/a /a/ /a/b /a/b/c", "/ /ab /b/a"),
        (
            "/v1/users/{id}",
            "/v1/users/7 /v1/users/%20x /v1/users/x;y",
            "/v1/users /v1/users/ /v1/users/7/8 /v2/users/7",
        ),
        ("/{a}/x/{b}/**", "/1/x/2 /1/x/2/3/4", "/1/x /1/y/2"),
        ("/m:run", "/m:run /m%3Arun /m%3arun /%6D:run", "/m /m:run2 /m%253"),
        ("/a@b/c,d", "/a%40b/c%2Cd /a@b/c,d", "/a%40b/c"),
    ] {
        hits.split_whitespace().for_each(|path| check_match(template, path, true));
        misses.split_whitespace().for_each(|path| check_match(template, path, false));
    }
}

#[test]
fn bad_templates_are_refused_with_a_hint() {
    for (template, message) in [
        ("", "template `` does not begin with `/`; hint: write `/`"),
        ("a/b", "template `a/b` does not begin with `/`; hint: write `/a/b`"),
        ("//a", "template `//a` has an empty segment"),
        ("/a//b", "template `/a//b` has an empty segment"),
        ("//**", "template `//**` has an empty segment"),
        ("/a//**", "template `/a//**` has an empty segment"),
        (
            "/a/",
            "template `/a/` ends in `/`; hint: leave it out, a request's trailing slash is ignored, or write `/a/**`",
        ),
        ("/a/../b", "template `/a/../b` has a `.` or `..` segment"),
        ("/a/.", "template `/a/.` has a `.` or `..` segment"),
        ("/a/*", "template `/a/*` has a `*` out of place"),
        ("/a**", "template `/a**` has a `*` out of place"),
        ("/**/a", "template `/**/a` has a `*` out of place"),
        ("/a/***", "template `/a/***` has a `*` out of place"),
        ("/a{b}", "segment `a{b}` is neither a literal nor a parameter"),
        ("/{b", "segment `{b` is neither"),
        ("/}", "segment `}` is neither"),
        ("/{{b}}", "segment `{{b}}` is neither"),
        ("/{a}{b}", "segment `{a}{b}` is neither"),
        ("/{}", "parameter `{}` has no good name"),
        ("/{a b}", "parameter `{a b}` has no good name"),
        ("/{a}/{a}", "parameter `{a}` stands twice"),
        ("/a%20b", "segment `a%20b` holds `%`"),
        ("/a b", "segment `a b` holds ` `"),
        ("/a;b", "segment `a;b` holds `;`"),
        ("/a?b", "segment `a?b` holds `?`"),
        ("/a#b", "segment `a#b` holds `#`"),
        ("/a\\b", "segment `a\\b` holds `\\`"),
        ("/é", "segment `é` holds `é`"),
        (&"/a".repeat(129), "template has more than 128 segments"),
    ] {
        let error = Template::parse(template).unwrap_err().to_string();
        assert!(error.starts_with(message) && error.contains("hint: "), "{template}: {error}");
    }
}

#[test]
fn method_sets_hold_what_they_list() {
    for (list, holds, lacks) in [
        ("", "GET HEAD POST BREW get", ""),
        ("GET", "GET HEAD", "POST get GETS BREW"),
        ("HEAD", "HEAD", "GET"),
        ("POST DELETE", "POST DELETE", "GET HEAD PUT PATCH OPTIONS CONNECT TRACE"),
        ("BREW PUT PUT", "BREW PUT", "brew BREWS GET"),
    ] {
        let set = methods(list);
        assert_eq!(set.is_any(), list.is_empty());
        for method in holds.split_whitespace() {
            assert!(set.contains(method.as_bytes()), "{list} holds {method}");
            assert!(set.overlaps(&methods("")) && methods("").overlaps(&set));
        }
        assert!(lacks.split_whitespace().all(|method| !set.contains(method.as_bytes())), "{list}");
    }
    for (a, b, overlap) in [
        ("GET", "HEAD", true),
        ("GET", "POST", false),
        ("A B", "B C", true),
        ("A", "a", false),
        ("A GET", "B PUT", false),
    ] {
        assert_eq!(methods(a).overlaps(&methods(b)), overlap, "{a} and {b}");
        assert_eq!(methods(b).overlaps(&methods(a)), overlap, "{b} and {a}");
    }
}

#[test]
fn bad_methods_are_refused_with_a_hint() {
    for (method, message) in [
        ("*", "`*` is not a method; hint: leave the list empty for every method"),
        ("", "`` is not a method; hint: write one method per entry, such as `GET`"),
        ("GET POST", "`GET POST` is not a method; hint: write one method per entry, such as `GET`"),
        ("get", "`get` is not a method; hint: methods are case-sensitive, write `GET`"),
        ("Patch", "`Patch` is not a method; hint: methods are case-sensitive, write `PATCH`"),
    ] {
        assert_eq!(MethodSet::parse(&[method.to_owned()]).unwrap_err().to_string(), message);
    }
}

fn check_find(rules: &[&str], request: &str, expect: Option<&str>) {
    let compiled: Vec<_> = rules.iter().copied().map(rule).collect();
    let router = Router::build(&compiled).unwrap();
    let (method, path) = request.split_once(' ').unwrap();
    let path = CanonicalPath::parse(path.as_bytes()).unwrap();
    let found = router.find(method.as_bytes(), path.segments()).and_then(|index| rules.get(index));
    assert_eq!(found.copied(), expect, "{request} in {rules:?}");
}

#[test]
fn the_most_specific_rule_wins() {
    let rules = ["/**", "/a/**", "/a/{x}", "/a/b", "/{x}/b/c", "GET /a/b", "POST /a/{x}", "BREW /{x}/pot"];
    for (request, expect) in [
        ("GET /", "/**"),
        ("GET /a", "/a/**"),
        ("GET /a/b", "GET /a/b"),
        ("HEAD /a/b", "GET /a/b"),
        ("PUT /a/b", "/a/b"),
        ("POST /a/b", "/a/b"),
        ("POST /a/z", "POST /a/{x}"),
        ("GET /a/z", "/a/{x}"),
        ("GET /a/b/c", "/a/**"),
        ("GET /z/b/c", "/{x}/b/c"),
        ("BREW /z/pot", "BREW /{x}/pot"),
        ("GET /z/pot", "/**"),
    ] {
        check_find(&rules, request, Some(expect));
    }
    check_find(&[], "GET /", None);
    check_find(&["GET /a"], "PUT /a", None);
    check_find(&["GET /a/b", "/a/{x}", "PUT /**"], "POST /a/b", Some("/a/{x}"));
    check_find(&["GET /a/b", "POST /a/{x}", "PUT /**"], "PUT /a/b", Some("PUT /**"));
    check_find(&["/a", "/a/**"], "GET /a/", Some("/a"));
    check_find(&["/{x}", "/m:run"], "GET /m%3Arun", Some("/m:run"));
}

#[test]
fn ties_are_refused() {
    for (first, second, tie) in [
        ("/a/{x}", "/a/{y}", true),
        ("GET /a", "GET,POST /a", true),
        ("GET /a", "HEAD /a", true),
        ("BREW /a/**", "PUT,BREW /a/**", true),
        ("GET /a", "/a", false),
        ("/a", "GET /a", false),
        ("GET /a", "POST /a", false),
        ("/a", "/a/**", false),
        ("/a", "/b", false),
    ] {
        let built = Router::build(&[rule("/other"), rule(first), rule(second)]);
        assert_eq!(built.err(), tie.then_some(Tie { first: 1, second: 2 }), "{first} and {second}");
    }
    let message = "rules 1 and 2 match the same requests; hint: remove one or give them different methods";
    assert_eq!(Tie { first: 1, second: 2 }.to_string(), message);
}

#[test]
fn a_look_up_does_not_explode() {
    // Every mix of literal and parameter, ten deep: 1024 shapes, none of which fits.
    let shapes = (0..1024_u32).map(|bits| {
        (0..10).map(|at| if bits >> at & 1 == 1 { "/a".into() } else { format!("/{{p{at}}}") }).collect::<String>()
    });
    let rules: Vec<_> = shapes.map(|path| rule(&format!("GET {path}"))).collect();
    let router = Router::build(&rules).unwrap();
    let path = "/a".repeat(10);
    let path = CanonicalPath::parse(path.as_bytes()).unwrap();
    assert_eq!(router.find(b"GET", path.segments()), Some(1023));
    assert_eq!(router.find(b"PUT", path.segments()), None);
}

/// The specification: of the rules that match, the one whose shape, then whose methods, sort first.
fn naive(rules: &[(MethodSet, Template)], method: &[u8], path: &CanonicalPath<'_>) -> Option<usize> {
    let rank = |(methods, template): &(MethodSet, Template)| {
        let shape: Vec<u8> = template
            .to_string()
            .split('/')
            .skip(1)
            .map(|segment| match segment {
                "**" => 2,
                _ if segment.starts_with('{') => 1,
                _ => 0,
            })
            .collect();
        (shape, methods.is_any())
    };
    let matching = rules
        .iter()
        .enumerate()
        .filter(|(_, (methods, template))| methods.contains(method) && template.matches(path.segments()));
    matching.min_by_key(|(_, rule)| rank(rule)).map(|(index, _)| index)
}

fn some_rule() -> impl Strategy<Value = (MethodSet, Template)> {
    let list = prop::sample::select(vec!["", "GET", "POST", "GET POST", "BREW"]);
    let parts = prop::collection::vec(prop::sample::select(vec!["a", "b", "{}"]), 0..4);
    (list, parts, any::<bool>()).prop_map(|(list, parts, open)| {
        let mut path: String = parts
            .iter()
            .enumerate()
            .map(|(at, part)| format!("/{}", part.replace("{}", &format!("{{p{at}}}"))))
            .collect();
        if open || path.is_empty() {
            path.push_str(if open { "/**" } else { "/" });
        }
        (methods(list), Template::parse(&path).unwrap())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_router_agrees_with_the_specification(
        candidates in prop::collection::vec(some_rule(), 0..12),
        method in prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "BREW"]),
        path in "(/[abc]){0,4}/?",
    ) {
        let mut rules = Vec::new();
        for candidate in candidates {
            rules.push(candidate);
            if Router::build(&rules).is_err() {
                rules.pop();
            }
        }
        let path = format!("/{}", path.trim_start_matches('/'));
        let path = CanonicalPath::parse(path.as_bytes()).unwrap();
        let router = Router::build(&rules).unwrap();
        prop_assert_eq!(router.find(method.as_bytes(), path.segments()), naive(&rules, method.as_bytes(), &path));
    }

    #[test]
    fn no_template_panics(source in "[/a*{}%;.é]{0,12}") {
        if let Ok(template) = Template::parse(&source) {
            prop_assert_eq!(template.to_string(), source);
        }
    }
}
