//! A local cloud is nobody's but this machine's.

use anyhow::{Context, ensure};
use drover_tests::process::listeners_of;

#[test]
fn nothing_listens_beyond_loopback() -> anyhow::Result<()> {
    let folder = std::env::var("DROVER_FOLDER").context("DROVER_FOLDER is not set: run the suites by tests/run")?;
    let listeners = listeners_of(&folder)?;
    ensure!(listeners.len() >= 2, "neither an emulator nor a front door is seen to listen: {listeners:?}");
    let open: Vec<_> = listeners.iter().filter(|address| !address.ip().to_canonical().is_loopback()).collect();
    ensure!(open.is_empty(), "open to others: {open:?}");
    Ok(())
}
