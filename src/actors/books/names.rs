//! What the ledger calls payments, in the words of the API, and back.

use weir_ledger::row::{ChargeId, MemberId};
use weir_model::charge::ChargeName;

/// A payment's name for people.
#[must_use]
pub const fn name_of(id: ChargeId) -> ChargeName {
    match id {
        ChargeId::Session(id) => ChargeName::Session(id),
        ChargeId::Tip(id) => ChargeName::Tip(id),
        ChargeId::Gift(id) => ChargeName::Gift(id),
        ChargeId::Ticket { event, user, nth } => ChargeName::Ticket { event, account: user, nth },
        ChargeId::Period { member: MemberId { user, channel }, number } => {
            ChargeName::Period { channel, account: user, number }
        }
    }
}

/// What the ledger calls the payment of that name.
#[must_use]
pub const fn id_of(name: ChargeName) -> ChargeId {
    match name {
        ChargeName::Session(id) => ChargeId::Session(id),
        ChargeName::Tip(id) => ChargeId::Tip(id),
        ChargeName::Gift(id) => ChargeId::Gift(id),
        ChargeName::Ticket { event, account, nth } => {
            ChargeId::Ticket { event, user: account, nth }
        }
        ChargeName::Period { channel, account, number } => {
            ChargeId::Period { member: MemberId { user: account, channel }, number }
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_model::AccountId;

    use super::*;

    #[test]
    fn every_payment_has_one_name() {
        let member = MemberId { user: AccountId(1), channel: 2 };
        for id in [
            ChargeId::Session(1),
            ChargeId::Tip(2),
            ChargeId::Gift(3),
            ChargeId::Ticket { event: 4, user: AccountId(5), nth: 6 },
            ChargeId::Period { member, number: 3 },
        ] {
            assert_eq!(id_of(name_of(id)), id);
        }
    }
}
