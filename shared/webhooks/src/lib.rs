//! Knows the extraction cloud's webhooks: the endpoints that users register, the deliveries that the ends of tasks make for them, when each is
//! tried again, and what came of every attempt. Knows nothing of HTTP, neither as it is served nor as it is sent.
//!
//! The table `webhooks`, keys and access patterns:
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | an endpoint of a user | `pk = USER#user` and `sk = ENDPOINT#endpoint` | – |
//! | a user's endpoints by creation | `pk = USER#user` and `sk` between two `ENDPOINT#…` (ids sort by time) | – |
//! | how many a user has | `pk = USER#user` and `sk = ENDPOINTS` | – |
//! | a delivery | `pk = USER#user` and `sk = DELIVERY#endpoint#delivery` | – |
//! | an endpoint's attempts by time | `pk = USER#user` and `sk` between two `ATTEMPT#endpoint#…` (thirteen digits of the moment) | – |
//! | how many attempts of a user are under way | `pk = USER#user` and `sk = PLACES` | – |
//! | who waits for one of them, in order | `pk = USER#user` and `sk` between two `LINE#line#…` (thirteen digits of the moment) | – |
//! | deliveries whose message is due | `job_kind = webhook` and `redeliver_at <= now` | `due` (global, sparse) |
//!
//! A delivery has the one lease that everything here has, and a message that only hints at it; it is found again by the index as a job is
//! (`jobs::Due`). Its id is made of its endpoint's and its task's: so it exists once, however often the end of the task is told.

mod attempt;
mod claim;
mod deliveries;
mod delivery;
mod endpoint;
mod endpoints;
mod environment;
mod event;
mod health;
mod input;
mod keys;
mod line;
mod places;
mod schedule;
mod secret;

pub use attempt::{Attempt, AttemptPage};
pub use claim::{Claimed, Farewell, Taken, Told};
pub use deliveries::Deliveries;
pub use delivery::{Delivery, DeliveryStatus, KIND};
pub use endpoint::Endpoint;
pub use endpoints::{EndpointError, Endpoints};
pub use environment::{open_deliveries, open_endpoints, open_sealer};
pub use event::{TaskEnd, TaskEvent};
pub use input::{EndpointFields, Fault};
pub use keys::endpoint_key;
pub use schedule::Schedule;
pub use secret::{Signature, WebhookSecret};
