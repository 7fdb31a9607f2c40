//! What only a store in a file can do: be missing, be something else, be replaced, be shared, outlive its process.

mod damage;
mod file;
mod opening;
mod place;
mod several;
