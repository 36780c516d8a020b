//! The contracts' own example programs. The files beside this one are copied from the contracts, character by character; what is changed
//! in them at the last moment is the base URL, the key, the page, and the id of a task.

mod credential_queue;
mod extract_cloud;
