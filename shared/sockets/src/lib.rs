//! Knows who listens to what over API Gateway's WebSocket APIs, what each has been told, and how they are spoken to. Knows nothing of what it is that
//! they listen to.

mod gateway;
mod listeners;

pub use gateway::{Gateway, GatewayError, Presence};
pub use listeners::{Admission, LISTENER_KIND, Listener, Listeners, MOST_LISTENERS};
