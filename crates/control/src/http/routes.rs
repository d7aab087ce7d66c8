//! The one way to a route: whatever is registered here is also written down, so that a test can ask who may call it.
//!
//! `clippy.toml` refuses every other way of registering one. Invariant: a route that is served is in [`Route`]s.
#![expect(clippy::disallowed_methods, reason = "the one place where routes are registered")]

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::app::App;

/// Something that is answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// `GET`, `POST` and so on. `GET` answers `HEAD` too.
    pub method: &'static str,
    /// As it was registered: `/v1/keys/{id}`.
    pub path: String,
}

/// Every route so far.
pub(super) struct Routes {
    router: OpenApiRouter<App>,
    listed: Vec<Route>,
}

impl Routes {
    /// None yet; `described` is what the API's description holds beside its operations.
    pub(super) fn new(described: OpenApi) -> Self {
        Self { router: OpenApiRouter::with_openapi(described), listed: Vec::new() }
    }

    /// Operations of the management API, registered and described as their annotations say: `routes!(…)`.
    pub(super) fn api(mut self, operations: UtoipaMethodRouter<App>) -> Self {
        let (_, paths, _) = &operations;
        for (path, item) in &paths.paths {
            let methods = methods(item);
            self.listed.extend(methods.map(|method| Route { method, path: path.clone() }));
        }
        self.router = self.router.routes(operations);
        self
    }

    /// Something that the description of the API leaves out: a page, or what edges ask for.
    pub(super) fn get<H: Handler<T, App>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.add("GET", MethodFilter::GET, path, handler)
    }

    /// The same, of a form or a report.
    pub(super) fn post<H: Handler<T, App>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.add("POST", MethodFilter::POST, path, handler)
    }

    fn add<H: Handler<T, App>, T: 'static>(
        mut self,
        method: &'static str,
        filter: MethodFilter,
        path: &str,
        handler: H,
    ) -> Self {
        self.listed.push(Route { method, path: path.to_owned() });
        self.router = self.router.route(path, on(filter, handler));
        self
    }

    /// What to serve, the description of the API, and the list.
    pub(super) fn finish(self) -> (Router<App>, OpenApi, Vec<Route>) {
        let (router, described) = self.router.split_for_parts();
        (router, described, self.listed)
    }
}

fn methods(item: &PathItem) -> impl Iterator<Item = &'static str> {
    let all = [
        ("GET", item.get.is_some()),
        ("PUT", item.put.is_some()),
        ("POST", item.post.is_some()),
        ("DELETE", item.delete.is_some()),
        ("OPTIONS", item.options.is_some()),
        ("HEAD", item.head.is_some()),
        ("PATCH", item.patch.is_some()),
        ("TRACE", item.trace.is_some()),
    ];
    all.into_iter().filter(|(_, is_there)| *is_there).map(|(method, _)| method)
}
