//! Names each asset by the hash of what it holds: what a page asks for is what it was made with, and may be kept for ever.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;

use ring::digest::{SHA256, digest};

/// The constant, the file, and the media type of each asset.
const ASSETS: [(&str, &str, &str, &str); 3] = [
    ("STYLE", "console", "css", "text/css; charset=utf-8"),
    ("SCRIPT", "console", "js", "text/javascript; charset=utf-8"),
    ("LOGO", "logo", "svg", "image/svg+xml"),
];
/// How many bytes of a hash are in a name.
const NAMED_BY: usize = 8;

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=assets");
    let (folder, mut code) = (env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?, String::new());
    for (constant, stem, extension, media_type) in ASSETS {
        let path = format!("{folder}/assets/{stem}.{extension}");
        let content = fs::read(&path)?;
        let hash = digest(&SHA256, &content).as_ref()[..NAMED_BY].iter().fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        });
        let _ = writeln!(
            code,
            "pub(crate) const {constant}: Asset = Asset {{ name: \"{stem}-{hash}.{extension}\", media_type: {media_type:?}, \
             content: include_str!({path:?}) }};"
        );
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("assets.rs"), code)
}
