//! Weir: a live-media cluster in one program.
//!
//! Layers point down only. Nouns (crates of their own) decide and never touch the world; verbs (modules
//! here) touch the world and decide nothing.
//!
//! | layer | nouns | verbs |
//! |---|---|---|
//! | L0 | `weir-model` | |
//! | L1 | `weir-media`, `weir-cluster`, `weir-people`, `weir-ledger`, `weir-client` | |
//! | L2 | | [`feed`], [`store`], [`link`], [`raft`] |
//! | L3 | | [`actors`] |
//! | L4 | | [`ingest`], [`edge`], [`api`] |
//! | L5 | | [`node`] |
//!
//! 1. publisher → viewer: `ingest/rtmp/listener → conn → demux → feed → media/packager → store/window → edge/hls`
//! 2. operator → effect: `cli | tui → client → api → actors | store → event → api/events → tui/state`

pub mod actors;
pub mod api;
pub mod edge;
pub mod feed;
pub mod ingest;
pub mod link;
pub mod node;
pub mod raft;
pub mod store;
