//! Requests as they are answered: by route, method and class of status; failures by code.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, RwLock};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use commit::Histogram;

use super::WAIT_MICROS;
use crate::app::App;

/// Methods that are counted by name; others are "other".
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "HEAD", "other"];
/// Classes of statuses.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// The route of an address that has none.
const NO_ROUTE: &str = "none";

/// The code of a failure, left on its answer for who counts.
#[derive(Clone, Copy)]
pub(crate) struct Coded(pub(crate) &'static str);

/// What was asked and how it was answered. Routes are the router's patterns and codes are words of
/// the code: both maps have no more entries than those.
#[derive(Default)]
pub(crate) struct Requests {
    routes: RwLock<BTreeMap<String, Arc<Route>>>,
    codes: RwLock<BTreeMap<&'static str, Arc<AtomicU64>>>,
}

/// One route.
struct Route {
    answered: [[AtomicU64; CLASSES.len()]; METHODS.len()],
    micros: Histogram,
}

impl Requests {
    fn route(&self, pattern: &str) -> Arc<Route> {
        entry(
            &self.routes,
            pattern,
            || pattern.to_owned(),
            || {
                let answered = std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0)));
                Route { answered, micros: Histogram::new(&WAIT_MICROS) }
            },
        )
    }

    /// Counts a failure.
    pub(crate) fn fail(&self, code: &'static str) {
        entry(&self.codes, code, || code, || AtomicU64::new(0)).fetch_add(1, Relaxed);
    }

    /// Calls back for every route, method and class that there was.
    pub(crate) fn each(&self, mut take: impl FnMut([&str; 3], u64)) {
        for (pattern, route) in read(&self.routes).iter() {
            for (method, classes) in METHODS.iter().zip(&route.answered) {
                for (class, count) in CLASSES.iter().zip(classes) {
                    let count = count.load(Relaxed);
                    if count > 0 {
                        take([method, pattern, class], count);
                    }
                }
            }
        }
    }

    /// Calls back for every route with how long its answers took.
    pub(crate) fn each_time(&self, mut take: impl FnMut(&str, &Histogram)) {
        read(&self.routes).iter().for_each(|(pattern, route)| take(pattern, &route.micros));
    }

    /// Failures by code.
    pub(crate) fn failures(&self, code: &str) -> u64 {
        read(&self.codes).get(code).map_or(0, |count| count.load(Relaxed))
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What a map has at a key, or is given now.
fn entry<K, Q, V>(
    map: &RwLock<BTreeMap<K, Arc<V>>>,
    key: &Q,
    own: impl FnOnce() -> K,
    new: impl FnOnce() -> V,
) -> Arc<V>
where
    K: Ord + std::borrow::Borrow<Q>,
    Q: Ord + ?Sized,
{
    if let Some(found) = read(map).get(key) {
        return found.clone();
    }
    let mut map = map.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    map.entry(own()).or_insert_with(|| Arc::new(new())).clone()
}

/// Wraps all handlers: counts what they answer.
pub(crate) async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let requests = &app.metrics.requests;
    let pattern = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str);
    let route = requests.route(pattern);
    let method = method(request.method());
    let began = app.clock.elapsed();
    let response = next.run(request).await;
    let took = app.clock.elapsed().saturating_sub(began);
    route.micros.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    let class = usize::from(response.status().as_u16() / 100).clamp(1, CLASSES.len()) - 1;
    route.answered[method][class].fetch_add(1, Relaxed);
    if let Some(Coded(code)) = response.extensions().get() {
        requests.fail(code);
    }
    response
}

fn method(method: &Method) -> usize {
    METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_a_caller_makes_up_are_one() {
        assert_eq!(METHODS[method(&Method::POST)], "POST");
        let made_up = Method::from_bytes(b"MADE-UP").expect("a method");
        assert_eq!(METHODS[method(&made_up)], "other");
    }

    #[test]
    fn a_route_is_counted_once_it_was_asked() {
        let requests = Requests::default();
        requests.route("/v1/x").answered[1][3].fetch_add(2, Relaxed);
        let mut seen = Vec::new();
        requests.each(|labels, count| seen.push((labels.map(str::to_owned), count)));
        assert_eq!(seen, [(["POST", "/v1/x", "4xx"].map(str::to_owned), 2)]);
        requests.fail("busy");
        assert_eq!((requests.failures("busy"), requests.failures("disk")), (1, 0));
    }
}
