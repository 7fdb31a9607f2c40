//! The program as its users meet it: a process with arguments, files and an environment.

mod answers;
mod bad_input;
mod demo;
mod folder;
mod pipeline;
