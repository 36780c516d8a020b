//! The local cloud's front door. It knows HTTP and where the emulator serves an API's stage; it knows nothing of the APIs behind it.
//!
//! An emulator serves a stage of a REST API below some path of its own; callers are promised every API at its documented path on one
//! port. The front door is that port, and it does what API Gateway's edge does: it names the caller's address itself.

mod headers;
mod proxy;
mod socket;
mod upstream;

pub use proxy::{Proxy, serve};
pub use upstream::{Upstream, UpstreamError};
