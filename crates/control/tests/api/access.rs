//! Who may call what.

use reqwest::Method;

use crate::stack::Stack;

/// Method, path, and which token opens it: `a` the administrator's, `e` the edges', `-` none needed.
const ROUTES: &[(Method, &str, char)] = &[
    (Method::GET, "/healthz", '-'),
    (Method::GET, "/readyz", '-'),
    (Method::GET, "/v1/keys", 'a'),
    (Method::POST, "/v1/keys", 'a'),
    (Method::POST, "/v1/keys:batch", 'a'),
    (Method::POST, "/v1/keys:find", 'a'),
    (Method::POST, "/v1/keys:import", 'a'),
    (Method::PUT, "/v1/keys/key_0000000000000000/trial", 'a'),
    (Method::DELETE, "/v1/keys/key_0000000000000000/trial", 'a'),
    (Method::POST, "/v1/keys/key_0000000000000000/trial/enforce", 'a'),
    (Method::POST, "/v1/explain", 'a'),
    (Method::GET, "/v1/keys/key_0000000000000000", 'a'),
    (Method::PATCH, "/v1/keys/key_0000000000000000", 'a'),
    (Method::DELETE, "/v1/keys/key_0000000000000000", 'a'),
    (Method::POST, "/v1/keys/key_0000000000000000/rotate", 'a'),
    (Method::GET, "/v1/organizations", 'a'),
    (Method::POST, "/v1/organizations", 'a'),
    (Method::GET, "/v1/organizations/org_0000000000000000", 'a'),
    (Method::PATCH, "/v1/organizations/org_0000000000000000", 'a'),
    (Method::GET, "/v1/api-keys", 'a'),
    (Method::DELETE, "/v1/api-keys/key_0000000000000000", 'a'),
    (Method::GET, "/v1/edges", 'a'),
    (Method::GET, "/v1/traffic", 'a'),
    (Method::GET, "/v1/receipts/1", 'a'),
    (Method::GET, "/v1/denials", 'a'),
    (Method::GET, "/v1/denials/6c1f", 'a'),
    (Method::GET, "/v1/keys/key_0000000000000000/observations", 'a'),
    (Method::GET, "/v1/status", 'a'),
    (Method::GET, "/edge/v1/manifest", 'e'),
    (Method::GET, "/edge/v1/blobs/00", 'e'),
    (Method::GET, "/edge/v1/bundle", 'e'),
    (Method::POST, "/edge/v1/report", 'e'),
];

#[tokio::test]
async fn every_route_wants_its_own_token() {
    let stack = Stack::start().await;
    let (admin, edge) = (stack.admin.clone(), stack.edge.clone());
    let shortened = admin.get(1..).unwrap();
    for (method, path, opens) in ROUTES {
        for (token, is) in
            [(None, '?'), (Some(&*admin), 'a'), (Some(&*edge), 'e'), (Some(shortened), '?'), (Some(""), '?')]
        {
            let answer = stack.send(method.clone(), path, token, None).await;
            let refused = *opens != '-' && *opens != is;
            assert_eq!(answer.status == 401, refused, "{method} {path} with `{is}`: {}", answer.status);
            if refused {
                assert_eq!(answer.json()["code"], "unauthorized", "{method} {path}");
                assert!(answer.header("www-authenticate").starts_with("Bearer realm="), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_stands_in_one_header_in_one_form() {
    let stack = Stack::start().await;
    let admin = stack.admin.clone();
    for (headers, status) in [
        (vec![format!("Bearer {admin}")], 200),
        (vec![format!("bearer {admin}")], 200),
        (vec![format!("BEARER  {admin}")], 200),
        (vec![format!("Basic {admin}")], 401),
        (vec![admin.clone()], 401),
        (vec![format!("Bearer {admin}x")], 401),
        (vec![format!("Bearer {admin}, Bearer {admin}")], 401),
        (vec![format!("Bearer {admin}"), format!("Bearer {admin}")], 401),
    ] {
        let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        let url = format!("http://{}/v1/status", stack.address);
        let request = headers.iter().fold(client.get(url), |request, value| request.header("authorization", value));
        assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{}", headers.len());
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let stack = Stack::start().await;
    for (method, path, status, code) in [
        (Method::GET, "/v1", 404, "not_found"),
        (Method::GET, "/v1/nothing", 404, "not_found"),
        (Method::PUT, "/v1/keys", 405, "method_not_allowed"),
        (Method::GET, "/v1/keys/key_0000000000000000", 404, "not_found"),
        (Method::GET, "/v1/keys/nonsense", 404, "not_found"),
        (Method::GET, "/v1/keys/%ff", 404, "not_found"),
        (Method::DELETE, "/v1/keys/org_0000000000000000", 404, "not_found"),
        (Method::GET, "/v1/organizations/org_0000000000000000", 404, "not_found"),
    ] {
        let answer = stack.admin(method.clone(), path, None).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
        let problem = answer.json();
        assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(status.into()), Some(code)));
        assert_eq!(problem["request_id"], answer.header("x-request-id"), "{method} {path}");
    }
}

#[tokio::test]
async fn a_stranger_learns_neither_paths_nor_methods() {
    let stack = Stack::start().await;
    for (method, path) in [
        (Method::GET, "/v1"),
        (Method::GET, "/v1/nothing"),
        (Method::PUT, "/v1/keys"),
        (Method::POST, "/v1/api-keys"),
        (Method::GET, "/v1/api-keys/x/y"),
        (Method::DELETE, "/edge/v1/manifest"),
        (Method::GET, "/edge/v1/nothing"),
    ] {
        let answer = stack.send(method.clone(), path, None, None).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("unauthorized")), "{method} {path}");
    }
}

#[tokio::test]
async fn the_log_says_where_a_change_came_from_and_believes_trusted_proxies_alone() {
    use crate::stack::config;
    use crate::stored::text;
    use portcullis_control::{Clock, Server};
    for (trusted, expected) in [(vec![], "127.0.0.1"), (vec!["127.0.0.0/8"], "203.0.113.9")] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path()).await;
        config.trusted_proxies = trusted.iter().map(|it| portcullis_engine::ip::Network::parse(it).unwrap()).collect();
        let server = Server::open(config, Clock::system()).await.unwrap();
        let url = format!("http://{}/v1/tokens", server.address());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = tokio::spawn(server.run(async { drop(stopped.await) }));
        let admin = std::fs::read_to_string(folder.path().join("admin-token")).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        let request = client.post(url).bearer_auth(admin.trim()).header("x-forwarded-for", "198.51.100.1, 203.0.113.9");
        let made = request.body(r#"{"name":"ci","kind":"service"}"#).send().await.unwrap();
        assert_eq!(made.status().as_u16(), 201);
        let sql = "SELECT address FROM audit WHERE action = 'token.created'";
        assert_eq!(text(folder.path(), sql).await, expected);
        stop.send(()).unwrap();
        served.await.unwrap().unwrap();
    }
}
