//! Serves connections one by one, so that a single one can be reset in the middle of a request.
//!
//! Each request carries a [`Cut`]. Pulling it ends the connection as a crashed or overloaded machine would: the socket
//! is closed with no time to linger, which sends a TCP reset, and not a byte of the answer has gone out.

use std::sync::Arc;

use axum::Router;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::{debug, warn};

/// Resets the connection that a request came by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cut(Arc<Notify>);

impl Cut {
    /// The cut of the connection that this request came by.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// Resets the connection. Never comes back: whoever waits for this is dropped with the connection.
    pub(crate) async fn reset(&self) -> Response {
        self.0.notify_one();
        std::future::pending().await
    }
}

/// Accepts connections until told to stop; then drops all of them.
pub(crate) async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, router.clone()));
            }
            Err(error) => {
                // Out of file descriptors, most likely: give some time to come free.
                warn!(%error, "could not accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, router: Router) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "connection left with its delay");
    }
    let cut = Cut::default();
    let pulled = Arc::clone(&cut.0);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(cut.clone());
        router.clone().oneshot(request)
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        served = &mut connection => {
            if let Err(error) = served {
                debug!(%error, "connection ended early");
            }
        }
        () = pulled.notified() => {
            let stream = connection.into_parts().io.into_inner();
            if let Err(error) = stream.set_zero_linger() {
                debug!(%error, "connection closed rather than reset");
            }
        }
    }
}
