//! The six ports of a stack: the documented ones, or free ones.
//!
//! Nothing stays bound here. Everything listens on loopback only.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The ports of a stack, all on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// Envoy, for clients.
    pub(crate) edge: u16,
    /// Envoy, for its operator.
    pub(crate) admin: u16,
    /// The control plane.
    pub(crate) control: u16,
    /// The live side of the upstream.
    pub(crate) live: u16,
    /// Its sandbox side.
    pub(crate) sandbox: u16,
    /// The service outside, for policies that have some.
    pub(crate) service: u16,
}

impl Ports {
    /// The documented ports.
    pub(crate) const FIXED: Self =
        Self { edge: 10000, admin: 9901, control: 8080, live: 8081, sandbox: 8082, service: 8083 };

    /// Ports that nobody listens on now.
    pub(crate) fn free() -> anyhow::Result<Self> {
        // Held together, so that the six differ.
        let held: Vec<TcpListener> = (0..6).map(|_| TcpListener::bind(local(0))).collect::<Result<_, _>>()?;
        let mut ports = held.iter().map(|it| it.local_addr().map(|address| address.port()));
        let mut next = || ports.next().unwrap_or(Ok(0));
        Ok(Self { edge: next()?, admin: next()?, control: next()?, live: next()?, sandbox: next()?, service: next()? })
    }

    /// Fails with the name of a port that is taken.
    pub(crate) fn ensure_free(&self) -> anyhow::Result<()> {
        let Self { edge, admin, control, live, sandbox, service } = *self;
        let named = [
            ("edge", edge),
            ("Envoy admin", admin),
            ("control", control),
            ("live", live),
            ("sandbox", sandbox),
            ("service", service),
        ];
        for (name, port) in named {
            anyhow::ensure!(
                TcpListener::bind(local(port)).is_ok(),
                "the {name} port {port} is taken\nhint: `--ports auto` takes free ones"
            );
        }
        Ok(())
    }
}

/// One port that nobody listens on now.
pub(crate) fn free() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(local(0))?.local_addr()?.port())
}

/// A loopback address.
pub(crate) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
