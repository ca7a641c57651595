//! What the tests stand on: the real node on free ports, real publishers, and a player that shares no code with the
//! product. Everything that is started is a guard: dropped, it is gone.

// The tests use what the benches do not, and the other way round.
#![allow(dead_code)]

pub(crate) mod api;
pub(crate) mod cli;
pub(crate) mod clip;
pub(crate) mod cluster;
pub(crate) mod conformance;
pub(crate) mod encoder;
pub(crate) mod flv;
pub(crate) mod hls;
pub(crate) mod knocker;
pub(crate) mod mp4;
pub(crate) mod node;
pub(crate) mod person;
pub(crate) mod process;
pub(crate) mod publisher;
pub(crate) mod rtmp;
pub(crate) mod strace;
pub(crate) mod viewer;
pub(crate) mod wait;

pub(crate) use cluster::Cluster;
pub(crate) use encoder::Encoder;
pub(crate) use knocker::Knocker;
pub(crate) use node::Node;
pub(crate) use person::Person;
pub(crate) use viewer::Viewer;
pub(crate) use wait::{eventually, within};
