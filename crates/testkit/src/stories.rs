//! Stories about whole processes.
