//! An HTTP server on loopback that answers one reply of its script a request; the last one again and again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the server does with a request. Status 0: it hangs up.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    status: u16,
    headers: String,
    body: String,
}

impl Reply {
    pub(super) fn status(status: u16) -> Self {
        Self { status, headers: String::new(), body: String::new() }
    }

    pub(super) fn json(status: u16, body: &str) -> Self {
        Self { body: body.to_owned(), ..Self::status(status) }
    }

    pub(super) fn header(mut self, line: &str) -> Self {
        self.headers.push_str(&format!("{line}\r\n"));
        self
    }
}

/// A server that ends when it is dropped.
pub(super) struct Server {
    pub(super) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    script: Mutex<VecDeque<Reply>>,
    /// Head and body of each request.
    seen: watch::Sender<Vec<String>>,
    open: watch::Sender<bool>,
    on_request: Box<dyn Fn() + Send + Sync>,
}

impl Server {
    pub(super) async fn start(script: &[Reply]) -> Self {
        Self::start_with(script, || ()).await
    }

    pub(super) async fn start_with(script: &[Reply], on_request: impl Fn() + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            script: Mutex::new(script.iter().cloned().collect()),
            seen: watch::Sender::new(Vec::new()),
            open: watch::Sender::new(true),
            on_request: Box::new(on_request),
        });
        let theirs = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&theirs).serve(stream));
            }
        });
        Self { url, shared, task }
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.shared.seen.borrow().clone()
    }

    /// Waits until so many requests have come.
    pub(super) async fn wait_seen(&self, count: usize) {
        let mut seen = self.shared.seen.subscribe();
        let come = seen.wait_for(|seen| seen.len() >= count);
        tokio::time::timeout(Duration::from_secs(10), come).await.expect("they never came").unwrap();
    }

    /// Holds answers back.
    pub(super) fn close(&self) {
        self.shared.open.send_replace(false);
    }

    pub(super) fn open(&self) {
        self.shared.open.send_replace(true);
    }

    pub(super) fn script(&self, script: &[Reply]) {
        *self.shared.script.lock().unwrap() = script.iter().cloned().collect();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let Some(request) = read(&mut stream).await else { return };
        let reply = {
            let mut script = self.script.lock().unwrap();
            if script.len() > 1 { script.pop_front() } else { script.front().cloned() }
        };
        (self.on_request)();
        self.seen.send_modify(|seen| seen.push(request));
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        let Some(Reply { status, headers, body }) = reply.filter(|reply| reply.status > 0) else { return };
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
        // Whoever asked may be gone.
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

/// Head and body, as they came.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let is_whole =
                length.map_or(!head.contains("chunked") || body.ends_with("0\r\n\r\n"), |it| body.len() >= it);
            if is_whole {
                return Some(text);
            }
        }
        match stream.read(&mut piece).await.ok()? {
            0 => return None,
            count => bytes.extend_from_slice(&piece[..count]),
        }
    }
}
