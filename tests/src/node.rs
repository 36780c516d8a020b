//! Node.js, where the machine has it.

use tokio::process::Command;

/// What programs need that use `fetch`, which came with Node 18.
pub const FETCH: &[&str] = &["--no-warnings"];
/// What those need that use `WebSocket`: until Node 22 it has to be asked for, and before 20.10 there is none.
pub const WEB_SOCKET: &[&str] = &["--no-warnings", "--experimental-websocket"];

/// Node 18 or later with these options; none, and a word of it, if this machine has none that knows them.
pub async fn node(options: &[&str]) -> Option<Command> {
    let mut node = Command::new("node");
    node.args(options);
    let mut probe = Command::new("node");
    probe.args(options).args(["-p", "parseInt(process.versions.node)"]);
    let told = probe.output().await.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let is_new = told.as_ref().is_ok_and(|major| major.parse::<u32>().is_ok_and(|major| major >= 18));
    if !is_new {
        println!("skipped: it needs Node 18 or later with {options:?}; found {told:?}");
    }
    is_new.then_some(node)
}
