//! Pages as they are: a manual that nobody here wrote, and sites that misbehave.

mod handbook;
mod memory;
mod robots;
mod sites;
