//! HTTP/1.1 and HTTP/2 for viewers: sockets, TLS, and the shape of every answer. What is answered is decided in
//! [`super::route`].

pub mod body;
pub mod conn;
mod deadline;
pub mod listener;
pub mod range;
pub mod reply;

pub use listener::listen;

#[cfg(test)]
mod tests;
