//! Every black-box suite. Run them by tests/run, which starts the stack they need.

mod contracts;
mod races;
