//! Serves the stand-in for Google Drive: see the library.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use google_drive_stand_in::{StandIn, serve};
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
    let stand_in = StandIn::new(format!("http://{}", listener.local_addr()?))?;
    serve(stand_in, listener).await
}
