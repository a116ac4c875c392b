//! How many connections each peer has: none may take all of them.
//!
//! A peer is an IPv4 address, or the 64 bits of an IPv6 address that name a network: who has one of
//! its addresses has all. Behind a proxy everybody is the proxy, and shares what one peer may have.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};

/// The connections that are open, by peer. It holds as many peers as there are connections.
#[derive(Clone, Default)]
pub(super) struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection of a peer, as long as it lasts.
pub(super) struct Place {
    peers: Peers,
    peer: IpAddr,
}

impl Peers {
    /// A place for one more connection from an address; `None` if its peer has as many as it may.
    pub(super) fn enter(&self, address: IpAddr, max: usize) -> Option<Place> {
        let peer = peer(address);
        let mut open = self.lock();
        let count = open.get(&peer).copied().unwrap_or_default();
        if count >= max {
            return None;
        }
        open.insert(peer, count + 1);
        Some(Place { peers: self.clone(), peer })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.peers.lock();
        if let Some(count) = open.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            Ipv6Addr::from(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_leaves_room_for_another() {
        let peers = Peers::default();
        let enter = |address: &str| peers.enter(address.parse().expect("an address"), 2);
        for (one, same, other) in [
            ("10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"),
            ("2001:db8::1", "2001:db8:0:0:ffff::2", "2001:db8:0:1::1"),
        ] {
            let held = (enter(one).expect("room"), enter(same).expect("room"));
            assert!(enter(one).is_none() && enter(same).is_none());
            assert!(enter(other).is_some());
            drop(held.0);
            assert!(enter(one).is_some(), "there is room again");
        }
        assert!(peers.lock().is_empty(), "who is gone is forgotten");
    }
}
