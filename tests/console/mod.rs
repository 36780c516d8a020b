//! The console: who may see it, what its pages show and do, what they cost, what is done to them by who means no good; and a walk through it in a browser.

mod access;
mod actions;
mod budgets;
mod headers;
mod hostile;
mod scale;
mod walk;
