//! One method per route about private sessions.

use weir_model::SessionId;
use weir_model::api::Mutation;
use weir_model::api::session::{JoinSession, LeaveSession, OfferSession, SessionQuery};
use weir_model::session::SessionInfo;

use crate::Client;
use crate::routes::Answer;

/// Every method fails with the node's refusal or with what went wrong on the way.
#[allow(clippy::missing_errors_doc)]
impl Client {
    /// `GET /v1/sessions`.
    pub async fn sessions(&self, query: &SessionQuery) -> Answer<Vec<SessionInfo>> {
        self.query("/v1/sessions", query).await
    }

    /// `GET /v1/sessions/{id}`.
    pub async fn session(&self, id: SessionId) -> Answer<SessionInfo> {
        self.read(&format!("/v1/sessions/{id}")).await
    }

    /// `POST /v1/sessions`.
    pub async fn offer_session(&self, body: &OfferSession, how: &Mutation) -> Answer<SessionInfo> {
        self.post("/v1/sessions", body, how).await
    }

    /// `POST /v1/sessions/{id}/join`.
    pub async fn join_session(
        &self,
        id: SessionId,
        body: &JoinSession,
        how: &Mutation,
    ) -> Answer<SessionInfo> {
        self.post(&format!("/v1/sessions/{id}/join"), body, how).await
    }

    /// `POST /v1/sessions/{id}/leave`.
    pub async fn leave_session(
        &self,
        id: SessionId,
        body: &LeaveSession,
        how: &Mutation,
    ) -> Answer<SessionInfo> {
        self.post(&format!("/v1/sessions/{id}/leave"), body, how).await
    }

    /// `POST /v1/sessions/{id}/end`.
    pub async fn end_session(&self, id: SessionId, how: &Mutation) -> Answer<SessionInfo> {
        self.post(&format!("/v1/sessions/{id}/end"), &(), how).await
    }
}
