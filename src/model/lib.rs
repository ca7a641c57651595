//! L0. Ids, units and the plain data of each noun: what is stored, what the API says, what events carry.
//!
//! Nothing here touches the world: no clock, no randomness, no I/O. Layers above add behaviour.

pub mod access;
pub mod account;
pub mod address;
pub mod api;
pub mod approval;
pub mod audit;
pub mod channel;
pub mod charge;
pub mod cluster;
pub mod error;
pub mod event;
pub mod human;
pub mod id;
pub mod key;
pub mod lease;
pub mod limits;
pub mod local;
pub mod money;
pub mod node;
pub mod provider;
pub mod role;
pub mod secret;
pub mod session;
pub mod stream;
pub mod text;
pub mod time;
pub mod viewing;

pub use access::Access;
pub use account::{Account, AccountName, AccountRole, AccountRoles, Token, TokenKind};
pub use channel::{Channel, ChannelName};
pub use error::{ApiError, ErrorCode};
pub use event::Event;
pub use id::{AccountId, InviteId, KeyId, NodeId, SessionId, ShowId, TokenId, ViewingId};
pub use key::{KeyRefusal, StreamKey};
pub use lease::{ActorId, ActorKey, ActorKind, Epoch, Incarnation, Lease};
pub use role::{Role, Roles};
pub use secret::Secret;
pub use stream::{StreamInfo, StreamState};
pub use time::Timestamp;
pub use viewing::Viewing;
