//! What the shop remembers between scenes, so that one event's `before` is the last one's `after`.

use std::collections::VecDeque;

use random::Random;

const ARTICLES: usize = 24;
const OPEN_ORDERS_MAX: usize = 32;

/// Stock, open orders and running numbers.
#[derive(Debug)]
pub(super) struct World {
    stock: [u64; ARTICLES],
    open: VecDeque<Order>,
    next_order: u64,
    next_ticket: u64,
    /// Whether the refund of the tour has been told, which is the one with known ids.
    pub(super) toured: bool,
}

/// An order, from its creation until it is forgotten.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) number: u64,
    pub(super) payment: String,
    pub(super) customer: u64,
    pub(super) cents: u64,
}

impl Order {
    pub(super) fn id(&self) -> String {
        format!("o/{}", self.number)
    }
}

impl World {
    pub(super) fn new() -> World {
        World {
            stock: [400; ARTICLES],
            open: VecDeque::new(),
            next_order: 2_001,
            next_ticket: 4_900,
            toured: false,
        }
    }

    /// A new order, for 8 to 180 euro.
    pub(super) fn order(&mut self, random: &mut Random) -> Order {
        self.next_order += 1;
        let order = Order {
            number: self.next_order,
            payment: format!("pay/{:05x}", random.within(0x10000, 0x100000)),
            customer: random.within(1_001, 1_400),
            cents: random.within(800, 18_000),
        };
        if self.open.len() == OPEN_ORDERS_MAX {
            self.open.pop_front();
        }
        self.open.push_back(order.clone());
        order
    }

    /// Takes the oldest open order; makes one if there is none.
    pub(super) fn oldest(&mut self, random: &mut Random) -> Order {
        if self.open.is_empty() {
            self.order(random);
        }
        self.open.pop_front().expect("one was made if there was none")
    }

    /// Changes an article's stock: its name, the number before and after.
    pub(super) fn restock(&mut self, random: &mut Random, add: u64) -> (String, u64, u64) {
        let article = random.below(ARTICLES as u64) as usize;
        let before = self.stock[article];
        self.stock[article] = before + add;
        (sku(article), before, before + add)
    }

    /// Takes some of an article, at most what is there: its name, the number before and after.
    pub(super) fn take(&mut self, random: &mut Random, count: u64) -> (String, u64, u64) {
        let article = random.below(ARTICLES as u64) as usize;
        let before = self.stock[article];
        self.stock[article] = before.saturating_sub(count);
        (sku(article), before, self.stock[article])
    }

    /// The next support ticket.
    pub(super) fn ticket(&mut self) -> String {
        self.next_ticket += 1;
        format!("SUP-{}", self.next_ticket)
    }
}

fn sku(article: usize) -> String {
    format!("sku/{}-{}", 80 + article / 3, article % 3)
}
