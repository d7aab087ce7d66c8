//! Accepting connections and serving HTTP/1 on them, with limits: how many, and how long one may keep still.
//!
//! It knows nothing of what is served. Invariants: no peer holds a connection without moving bytes; at the limit new
//! ones wait in the kernel's queue, so the database always finds a file descriptor.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::pulse::{Felt, Pulse};
use crate::http::Peer;
use crate::limits::Limits;
use crate::shutdown::Shutdown;

/// After a failure to accept that is ours, such as having no file descriptor left.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Serves until the end has begun and what was asked by then is answered.
pub(super) async fn serve(listener: TcpListener, router: Router, limits: Limits, ending: Shutdown) {
    let mut connections = JoinSet::new();
    let permits = Arc::new(Semaphore::new(limits.connections));
    let accept = async {
        loop {
            let permit = permit(&permits).await;
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let peer = Peer(peer.ip());
                    connections.spawn(connection(stream, peer, router.clone(), limits, ending.clone(), permit));
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections; trying again");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = accept => {}
        () = ending.begun() => {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The right to one more connection. The semaphore is never closed.
async fn permit(permits: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    if let Ok(permit) = permits.clone().try_acquire_owned() {
        return Some(permit);
    }
    tracing::warn!("as many connections as the limit allows; new ones wait");
    permits.clone().acquire_owned().await.ok()
}

/// Serves one connection; `_permit` goes with it.
async fn connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    limits: Limits,
    ending: Shutdown,
    _permit: Option<OwnedSemaphorePermit>,
) {
    // Answers are small: send them now rather than wait for more to send.
    let _ = stream.set_nodelay(true);
    let pulse = Pulse::new();
    let inner = TowerToHyperService::new(router);
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        pulse.asked();
        let answer = inner.call(request);
        let pulse = &pulse;
        async move {
            let answer = answer.await;
            pulse.answered();
            answer
        }
    });
    let io = TokioIo::new(Felt::new(stream, &pulse));
    let mut serving = pin!(http1::Builder::new().serve_connection(io, service));
    let mut stalled = pin!(pulse.stalled(limits.head_within, limits.idle));
    let mut begun = pin!(ending.begun());
    let mut is_ending = false;
    loop {
        tokio::select! {
            // What goes wrong on a connection is its peer's business.
            _ = &mut serving => return,
            () = &mut stalled => return,
            () = &mut begun, if !is_ending => {
                serving.as_mut().graceful_shutdown();
                is_ending = true;
            }
        }
    }
}

/// The peer was gone before it was accepted.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
