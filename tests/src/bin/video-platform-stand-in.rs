//! TikTok behind a proxy, and a site of videos, with faults at will: see `drover_tests::video_platform`.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use drover_tests::video_platform::Platform;

#[derive(Parser)]
struct Cli {
    /// Where the proxy for the platform's hosts listens, which is also told what to post
    #[arg(long)]
    proxy: SocketAddr,
    /// Where the site of pages and feeds listens
    #[arg(long)]
    site: SocketAddr,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let _platform = Platform::start(cli.proxy, cli.site).await.context("an address is taken")?;
    std::future::pending().await
}
