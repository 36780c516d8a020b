//! An HTTP server before some processes of a function, as API Gateway is before Lambda: each request goes to a process that is free.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::function::FunctionProcess;

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    /// Its base URL.
    pub url: String,
    server: JoinHandle<()>,
}

/// The processes that are free, and how many.
struct Pool {
    free: Mutex<Vec<FunctionProcess>>,
    count: Semaphore,
}

impl Gateway {
    /// Starts one before these.
    pub async fn before(functions: Vec<FunctionProcess>) -> anyhow::Result<Self> {
        let pool = Arc::new(Pool { count: Semaphore::new(functions.len()), free: Mutex::new(functions) });
        let service = Router::new().fallback(pass).with_state(pool).into_make_service_with_connect_info::<SocketAddr>();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, service).await;
        });
        Ok(Self { url, server })
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(
    State(pool): State<Arc<Pool>>,
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    // A caller that hangs up ends nothing: as in a cloud, the function goes on.
    let passed = tokio::spawn(async move { pool.pass(caller, &method, &uri, &headers, &body).await });
    match passed.await.context("it panicked").flatten() {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

impl Pool {
    async fn pass(
        &self,
        caller: SocketAddr,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &str,
    ) -> anyhow::Result<Response> {
        let _turn = self.count.acquire().await?;
        let function = self.free().pop().context("there is a turn for each")?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let headers: Vec<_> =
            headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let answer = function.request_from(caller.ip(), method.as_str(), path, &headers, body).await;
        self.free().push(function);
        let answer = answer?;
        let status = StatusCode::from_u16(u16::try_from(answer.status)?)?;
        Ok((status, [(header::CONTENT_TYPE, "application/json")], answer.body.to_string()).into_response())
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<FunctionProcess>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
