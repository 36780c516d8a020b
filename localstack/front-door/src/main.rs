//! `front-door --port 8000 --stage http://127.0.0.1:4566/restapis/ID/STAGE/_user_request_`

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use front_door::{Proxy, Upstream, serve};
use tokio::net::TcpListener;

/// Serves one stage of a REST API on the local cloud's emulator at the root of one loopback port.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The port to listen on, on 127.0.0.1 and, where the machine has it, on `::1`
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Where the emulator serves the stage
    #[arg(long, value_name = "URL")]
    stage: String,
    /// Where the emulator serves the stage of the WebSocket API, if it has one
    #[arg(long, value_name = "URL")]
    sockets: Option<String>,
    /// The emulator undoes one level of a path's escapes before functions see it, which API Gateway does not
    #[arg(long)]
    unescapes: bool,
    /// How many seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    limit: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let upstream = Upstream::new(&arguments.stage)?.unescaping(arguments.unescapes);
    let sockets = arguments.sockets.as_deref().map(Upstream::new).transpose()?;
    let proxy = Proxy::new(upstream, Duration::from_secs(arguments.limit)).with_sockets(sockets);
    let proxy = Arc::new(proxy);
    let port = arguments.port;
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("listening on 127.0.0.1:{port}"))?;
    // `localhost` may be ::1 first; a machine without IPv6 has only the other.
    if let Ok(v6) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
        tokio::spawn(serve(v6, Arc::clone(&proxy)));
    }
    serve(v4, proxy).await;
    Ok(())
}
