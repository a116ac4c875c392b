//! What happens in the shop: one function a scene, one trace each.
//!
//! Failures are never left to chance: they come first in the demo, then by the clock, so that
//! `outcome:failure` stays a short list.

mod accounts;
mod operations;
mod privacy;
mod refunds;
mod storefront;

use super::stage::Stage;
use super::world::World;
use random::Random;

pub(super) use operations::{restart, unreadable};
#[cfg(test)]
pub use refunds::TOUR_TRACE;

/// Plays one scene.
pub(super) type Scene = fn(&mut Stage<'_>, &mut World);

/// The scenes at the start, in this order; `None` is one by chance.
pub(super) const OPENING: [Option<Scene>; 12] = [
    Some(operations::start_all),
    Some(storefront::order),
    Some(storefront::reserve_fails),
    Some(accounts::bob_fails),
    Some(refunds::denied),
    Some(storefront::order),
    None,
    Some(privacy::customer_read),
    Some(storefront::capture),
    Some(accounts::role_grant),
    Some(storefront::order),
    Some(refunds::small),
];

/// The scenes that come again by the clock: seconds between two of them.
pub(super) const BY_THE_CLOCK: [(Scene, i64); 5] = [
    (refunds::denied, 170),
    (accounts::bob_fails, 130),
    (storefront::reserve_fails, 110),
    (storefront::declined, 95),
    (operations::break_glass, 240),
];

/// The scenes by chance, with their weights.
const BY_CHANCE: [(Scene, u64); 14] = [
    (storefront::browse, 24),
    (storefront::order, 20),
    (storefront::capture, 14),
    (storefront::stock_adjust, 8),
    (accounts::sign_in, 10),
    (accounts::sign_out, 3),
    (accounts::password_change, 2),
    (accounts::role_grant, 2),
    (refunds::small, 5),
    (privacy::customer_read, 6),
    (privacy::disclosure, 4),
    (privacy::export, 1),
    (operations::job, 4),
    (operations::config_change, 2),
];

/// The scene that every fifth one is: a trace through all six services.
pub(super) const REGULAR: Scene = storefront::order;

/// A scene by its weight.
pub(super) fn by_chance(random: &mut Random) -> Scene {
    let mut left = random.below(BY_CHANCE.iter().map(|(_, weight)| weight).sum());
    for (scene, weight) in BY_CHANCE {
        if left < weight {
            return scene;
        }
        left -= weight;
    }
    storefront::browse
}
