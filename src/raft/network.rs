//! Requests between nodes: openraft's, as JSON over whatever carries requests, and their answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use openraft::AnyError;
use openraft::error::{
    InstallSnapshotError, NetworkError, RPCError, RaftError, RemoteError, Unreachable,
};
use openraft::network::{Backoff, RPCOption};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use openraft::{EmptyNode, RaftNetwork, RaftNetworkFactory};
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_model::NodeId;

use super::types::{Core, ELECTION_MIN, SnapshotMeta, Types, Vote};
use super::wire;

/// Kind of a request that appends entries.
pub const APPEND: &str = "raft.append";
/// Kind of a request for a vote.
pub const VOTE: &str = "raft.vote";
/// Kind of a request with a piece of a snapshot.
pub const SNAPSHOT: &str = "raft.snapshot";
/// Kind of a request that forwards changes to the leader.
pub const PROPOSE: &str = "raft.propose";
/// Kind of a request for the index that a linearizable read has to wait for.
pub const READ_INDEX: &str = "raft.read_index";
/// Kind of a request that forwards a change of the membership to the leader.
pub const CHANGE: &str = "raft.change";
/// Every kind of request that [`super::Consensus::handle`] answers.
pub const KINDS: [&str; 6] = [APPEND, VOTE, SNAPSHOT, PROPOSE, READ_INDEX, CHANGE];

/// Kinds that only a node that may vote has any reason to send.
pub const OF_VOTERS: [&str; 3] = [APPEND, VOTE, SNAPSHOT];

/// The largest body of a request.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Below the shortest election, so that one silent node does not make another look silent.
const PATIENCE: Duration = Duration::from_millis(150);
/// A node that cannot be reached is tried again after this; it may just have started.
const UNREACHABLE_PAUSE: Duration = Duration::from_millis(100);
const _: () = assert!(PATIENCE.as_millis() < ELECTION_MIN.as_millis());

/// Why a node did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It said no.
    #[error("it refused: {0}")]
    Refused(String),
    /// It did not answer in time; what was asked may have been done.
    #[error("no answer in time")]
    TimedOut,
    /// The request did not reach it.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
}

/// Carries requests to other nodes.
pub trait Network: Send + Sync + 'static {
    /// Sends `body` to node `to` and answers with its answer.
    fn call(
        &self,
        to: NodeId,
        kind: &'static str,
        body: Bytes,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>>;
}

/// Makes a [`Peer`] for each other node.
pub(super) struct Peers(pub(super) Arc<dyn Network>);

impl RaftNetworkFactory<Types> for Peers {
    type Network = Peer;

    async fn new_client(&mut self, target: u64, _: &EmptyNode) -> Peer {
        Peer { network: Arc::clone(&self.0), target }
    }
}

/// Another node as openraft wants it.
pub(super) struct Peer {
    network: Arc<dyn Network>,
    target: u64,
}

type Failed<E> = RPCError<u64, EmptyNode, E>;

impl Peer {
    async fn call<A, E>(
        &self,
        kind: &'static str,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<A, Failed<E>>
    where
        A: DeserializeOwned,
        E: DeserializeOwned + std::error::Error,
    {
        let target = NodeId(self.target);
        let answer = self.network.call(target, kind, body.into(), patience).await;
        let answer = answer.map_err(|error| match error {
            CallError::Unreachable(_) => RPCError::Unreachable(Unreachable::new(&error)),
            CallError::Refused(_) | CallError::TimedOut => network(&error),
        })?;
        let answer: Result<A, E> = serde_json::from_slice(&answer).map_err(|e| network(&e))?;
        answer.map_err(|error| RPCError::RemoteError(RemoteError::new(self.target, error)))
    }
}

impl RaftNetwork<Types> for Peer {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, Failed<RaftError<u64>>> {
        let body = serde_json::to_vec(&rpc).map_err(|error| network(&error))?;
        self.call(APPEND, body, option.hard_ttl().min(PATIENCE)).await
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<Types>,
        option: RPCOption,
    ) -> Result<InstallSnapshotResponse<u64>, Failed<RaftError<u64, InstallSnapshotError>>> {
        let InstallSnapshotRequest { vote, meta, offset, data, done } = rpc;
        let header = Piece { vote, meta, offset, done };
        let body = wire::framed(&header, &data).map_err(|error| network(&error))?;
        self.call(SNAPSHOT, body, option.hard_ttl()).await
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(std::iter::repeat(UNREACHABLE_PAUSE))
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, Failed<RaftError<u64>>> {
        let body = serde_json::to_vec(&rpc).map_err(|error| network(&error))?;
        self.call(VOTE, body, option.hard_ttl().min(PATIENCE)).await
    }
}

/// A piece of a snapshot; its bytes follow as they are.
#[derive(serde::Serialize, serde::Deserialize)]
struct Piece {
    vote: Vote,
    meta: SnapshotMeta,
    offset: u64,
    done: bool,
}

/// Answers one of openraft's requests.
pub(super) async fn answer(core: &Core, kind: &str, body: &[u8]) -> Result<Bytes, CallError> {
    match kind {
        APPEND => encode(&core.append_entries(decode(body)?).await),
        VOTE => encode(&core.vote(decode(body)?).await),
        SNAPSHOT => {
            let (piece, data) = wire::parts::<Piece>(body).map_err(|e| refused(&e))?;
            let Piece { vote, meta, offset, done } = piece;
            let data = data.to_vec();
            let request = InstallSnapshotRequest { vote, meta, offset, data, done };
            encode(&core.install_snapshot(request).await)
        }
        other => Err(CallError::Refused(format!("`{other}` is not a request of consensus"))),
    }
}

/// `body` as what it should be.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| refused(&error))
}

/// An answer as bytes.
pub(super) fn encode<T: Serialize>(answer: &T) -> Result<Bytes, CallError> {
    serde_json::to_vec(answer).map(Bytes::from).map_err(|error| refused(&error))
}

fn refused(error: &dyn ToString) -> CallError {
    CallError::Refused(error.to_string())
}

fn network<E: std::error::Error>(error: &dyn ToString) -> Failed<E> {
    RPCError::Network(NetworkError::new(&AnyError::error(error.to_string())))
}
