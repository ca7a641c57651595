//! One method per route about what is sold in public.

use weir_model::api::Mutation;
use weir_model::api::sale::{
    BuyTicket, EndTicketEvent, JoinMembers, MemberInfo, MemberQuery, OpenTicketEvent, SetAccess,
    TicketEvent,
};
use weir_model::charge::LedgerId;
use weir_model::money::MoneyReceipt;
use weir_model::{Access, Channel, ChannelName};

use crate::Client;
use crate::cluster::segment;
use crate::routes::Answer;

/// Every method fails with the node's refusal or with what went wrong on the way.
#[allow(clippy::missing_errors_doc)]
impl Client {
    /// `GET /v1/channels/{name}/access`.
    pub async fn access(&self, channel: &ChannelName) -> Answer<Access> {
        self.read(&format!("/v1/channels/{channel}/access")).await
    }

    /// `PUT /v1/channels/{name}/access`.
    pub async fn set_access(
        &self,
        channel: &ChannelName,
        body: &SetAccess,
        how: &Mutation,
    ) -> Answer<Channel> {
        self.put(&format!("/v1/channels/{channel}/access"), body, how).await
    }

    /// `GET /v1/channels/{name}/memberships`.
    pub async fn members(
        &self,
        channel: &ChannelName,
        query: &MemberQuery,
    ) -> Answer<Vec<MemberInfo>> {
        self.query(&format!("/v1/channels/{channel}/memberships"), query).await
    }

    /// `POST /v1/channels/{name}/memberships`.
    pub async fn join_members(
        &self,
        channel: &ChannelName,
        body: &JoinMembers,
        how: &Mutation,
    ) -> Answer<MoneyReceipt> {
        self.post(&format!("/v1/channels/{channel}/memberships"), body, how).await
    }

    /// `DELETE /v1/channels/{name}/memberships/{account}/renewal`.
    pub async fn lapse(
        &self,
        channel: &ChannelName,
        account: &str,
        how: &Mutation,
    ) -> Answer<MemberInfo> {
        let account = segment(account);
        self.delete(&format!("/v1/channels/{channel}/memberships/{account}/renewal"), how).await
    }

    /// `GET /v1/ticket-events`.
    pub async fn ticket_events(&self) -> Answer<Vec<TicketEvent>> {
        self.read("/v1/ticket-events").await
    }

    /// `POST /v1/ticket-events`.
    pub async fn open_ticket_event(
        &self,
        body: &OpenTicketEvent,
        how: &Mutation,
    ) -> Answer<MoneyReceipt> {
        self.post("/v1/ticket-events", body, how).await
    }

    /// `POST /v1/ticket-events/{id}/tickets`.
    pub async fn buy_ticket(
        &self,
        event: LedgerId,
        body: &BuyTicket,
        how: &Mutation,
    ) -> Answer<MoneyReceipt> {
        self.post(&format!("/v1/ticket-events/{event}/tickets"), body, how).await
    }

    /// `POST /v1/ticket-events/{id}/end`.
    pub async fn end_ticket_event(
        &self,
        event: LedgerId,
        body: &EndTicketEvent,
        how: &Mutation,
    ) -> Answer<MoneyReceipt> {
        self.post(&format!("/v1/ticket-events/{event}/end"), body, how).await
    }
}
