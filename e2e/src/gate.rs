//! What passes between an Envoy and its control plane: counted, and held back when asked.
//!
//! It knows nothing of what passes. Invariant: no byte is lost or changed; while the gate is shut, the control plane's
//! come later.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::ports::local;

/// A gate that works until it is dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    port: u16,
    task: JoinHandle<()>,
    passed: Arc<AtomicU64>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// An open gate to that address, on a free port.
    pub(crate) async fn start(to: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(local(0)).await?;
        let port = listener.local_addr()?.port();
        let (open, is_open) = watch::channel(true);
        let passed = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(serve(listener, to, Arc::clone(&passed), is_open));
        Ok(Self { port, task, passed, open })
    }

    /// Where Envoy finds it.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Bytes that passed so far, in either direction.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Holds answers back.
    pub(crate) fn shut(&self) {
        self.open.send_replace(false);
    }

    /// Lets through what was held back, and what comes.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, to: SocketAddr, passed: Arc<AtomicU64>, open: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    while let Ok((edge, _)) = listener.accept().await {
        connections.spawn(join(edge, to, Arc::clone(&passed), open.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, until either side ends it.
async fn join(
    edge: TcpStream,
    to: SocketAddr,
    passed: Arc<AtomicU64>,
    open: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let control = TcpStream::connect(to).await?;
    edge.set_nodelay(true)?;
    control.set_nodelay(true)?;
    let ((from_edge, to_edge), (from_control, to_control)) = (edge.into_split(), control.into_split());
    tokio::select! {
        ended = carry(from_edge, to_control, &passed, None) => ended,
        ended = carry(from_control, to_edge, &passed, Some(open)) => ended,
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    passed: &AtomicU64,
    mut open: Option<watch::Receiver<bool>>,
) -> anyhow::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        if let Some(open) = &mut open {
            open.wait_for(|it| *it).await?;
        }
        if read == 0 {
            return Ok(());
        }
        to.write_all(buffer.get(..read).unwrap_or_default()).await?;
        passed.fetch_add(read as u64, Ordering::Relaxed);
    }
}
