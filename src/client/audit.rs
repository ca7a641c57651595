//! The audit log.

use weir_model::api::audit::AuditQuery;
use weir_model::audit::AuditEntry;

use crate::Client;
use crate::routes::Answer;

impl Client {
    /// `GET /v1/audit`.
    ///
    /// # Errors
    /// With the node's refusal, or with what went wrong on the way.
    pub async fn audit(&self, query: &AuditQuery) -> Answer<Vec<AuditEntry>> {
        self.query("/v1/audit", query).await
    }
}
