//! A way to the database that can be cut and mended.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Road {
    is_open: watch::Sender<bool>,
}

impl Road {
    /// A way to where a URL leads, and the URL that leads over it.
    pub(crate) async fn to(url: &str) -> (Self, String) {
        let (before, rest) = url.rsplit_once('@').unwrap();
        let (target, name) = rest.split_once('/').unwrap();
        let target = target.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{before}@{}/{name}", listener.local_addr().unwrap());
        let (is_open, open) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (target, mut open) = (target.clone(), open.clone());
                tokio::spawn(async move {
                    if !*open.borrow() {
                        return;
                    }
                    let mut server = TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = open.wait_for(|open| !*open) => {}
                    }
                });
            }
        });
        (Self { is_open }, url)
    }

    /// Nothing gets through, and what was on its way is gone.
    pub(crate) fn cut(&self) {
        self.is_open.send_replace(false);
    }

    /// New connections get through.
    pub(crate) fn mend(&self) {
        self.is_open.send_replace(true);
    }
}
