//! How many connections are open, in all and from each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use weir_model::address::network;

/// Counts open connections against limits. Cheap to clone; all clones are one count.
#[derive(Clone)]
pub(super) struct Slots {
    inner: Arc<Mutex<Open>>,
    total_max: u32,
    address_max: u32,
}

#[derive(Default)]
struct Open {
    total: u32,
    /// Holds only addresses with open connections, so it is bounded by them.
    by_network: HashMap<IpAddr, u32>,
}

/// One open connection; dropping it frees its place.
pub(super) struct Slot {
    slots: Slots,
    network: IpAddr,
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Total,
    Address,
}

impl Slots {
    pub(super) fn new(total_max: u32, address_max: u32) -> Self {
        Self { inner: Arc::default(), total_max, address_max }
    }

    /// Connections open now.
    pub(super) fn open(&self) -> u32 {
        self.inner.lock().total
    }

    pub(super) fn take(&self, address: IpAddr) -> Result<Slot, Full> {
        let network = network(address);
        let mut open = self.inner.lock();
        if open.total >= self.total_max {
            return Err(Full::Total);
        }
        let of_network = open.by_network.entry(network).or_default();
        if *of_network >= self.address_max {
            return Err(Full::Address);
        }
        *of_network += 1;
        open.total += 1;
        Ok(Slot { slots: self.clone(), network })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.inner.lock();
        open.total = open.total.saturating_sub(1);
        if let Some(of_network) = open.by_network.get_mut(&self.network) {
            *of_network = of_network.saturating_sub(1);
            if *of_network == 0 {
                open.by_network.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_has_its_own_limit_and_places_come_back() {
        let slots = Slots::new(3, 2);
        let one = slots.take(ip("10.0.0.1")).ok();
        let two = slots.take(ip("::ffff:10.0.0.1")).ok();
        assert!(one.is_some() && two.is_some());
        assert_eq!(slots.take(ip("10.0.0.1")).err(), Some(Full::Address));
        let other = slots.take(ip("10.0.0.2")).ok();
        assert!(other.is_some());
        assert_eq!(slots.take(ip("10.0.0.3")).err(), Some(Full::Total));
        drop((one, two, other));
        assert_eq!(slots.open(), 0);
        assert!(slots.inner.lock().by_network.is_empty());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let slots = Slots::new(9, 1);
        let _one = slots.take(ip("2001:db8:1:2::1")).ok();
        assert_eq!(slots.take(ip("2001:db8:1:2:ffff::9")).err(), Some(Full::Address));
        assert!(slots.take(ip("2001:db8:1:3::1")).is_ok());
    }
}
