//! Serves the stand-in portals: see the library.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use portal_stand_in::{StandIn, serve};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Cli {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let listener = TcpListener::bind(cli.listen).await.with_context(|| format!("{} is taken", cli.listen))?;
    serve(StandIn::new(listener.local_addr()?), listener).await
}
