//! Pages as they are: a manual that nobody here wrote, and sites that misbehave.

mod handbook;
mod robots;
mod sites;
