//! Compresses the document, as its pages' scripts are compressed.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use flate2::{Compression, GzBuilder};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=openapi.json");
    let folder = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let packed = fs::File::create(folder.join("openapi.json.gz"))?;
    let mut packed = GzBuilder::new().write(packed, Compression::best());
    packed.write_all(&fs::read("openapi.json")?)?;
    packed.finish().map(|_| ())
}
