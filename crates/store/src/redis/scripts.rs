//! Scripts: their source, their name for errors, and their digest.
