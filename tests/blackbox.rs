//! Every black-box suite. Run them by tests/run, which starts the stack they need.

mod budgets;
mod clients;
mod compatibility;
mod console;
mod contracts;
mod credentials;
mod faults;
mod hostile;
mod logs;
mod loopback;
mod openapi;
mod operations;
mod pages;
mod portal;
mod privilege;
mod races;
mod secrecy;
mod ssrf;
mod video;
mod worker;
