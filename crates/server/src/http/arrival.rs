//! A request's body on its way in, and how long it may take.
//!
//! Promises: whoever reads it, it stands still for at most [`STILL_MAX`] and takes at most
//! [`WHOLE_MAX`] and one second more for every [`SECOND_BYTES`] that came. At a stop it has
//! [`STOP_MAX`] to come to its end.

#![expect(clippy::disallowed_methods, reason = "a peer's time on its connection is real time")]

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How long a body may stand still: what it holds, others could use.
const STILL_MAX: Duration = Duration::from_secs(30);
/// How long one may take that trickles.
const WHOLE_MAX: Duration = Duration::from_secs(30);
/// As much as even a slow sender manages in a second.
const SECOND_BYTES: u64 = 64 << 10;
/// How long a stop waits for a body.
const STOP_MAX: Duration = Duration::from_secs(2);

/// Why no more of a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    Still,
    Slow,
    Stopping,
}

impl Late {
    /// The one behind an error of reading a body, if there is one.
    pub(super) fn behind(error: &(dyn Error + 'static)) -> Option<Late> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(late) = error.downcast_ref::<Late>() {
                return Some(*late);
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Late::Still => "the body stood still for 30 s; send it again",
            Late::Slow => "the body took longer than 30 s and a second for every 64 KiB of it",
            Late::Stopping => "the server stops and the body was not there yet; send it again",
        })
    }
}

impl Error for Late {}

/// A body with its times.
pub(super) struct Arrival<B> {
    body: B,
    stopped: watch::Receiver<bool>,
    bytes: u64,
    /// What is waited for, once there was anything to wait for: most bodies come with their heads.
    wait: Option<Wait>,
    /// Set for good.
    late: Option<Late>,
}

struct Wait {
    began: Instant,
    /// Since when nothing has come.
    still: Instant,
    timer: Pin<Box<Sleep>>,
    /// Ends [`STOP_MAX`] behind a stop.
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<B> Arrival<B> {
    pub(super) fn new(body: B, stopped: watch::Receiver<bool>) -> Arrival<B> {
        Arrival { body, stopped, bytes: 0, wait: None, late: None }
    }

    /// Waits for the body; ready when it is late.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Late> {
        let wait = self.wait.get_or_insert_with(|| Wait::new(self.stopped.clone()));
        if wait.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Late::Stopping);
        }
        let still = wait.still + STILL_MAX;
        let whole = wait.began + WHOLE_MAX + Duration::from_secs(self.bytes / SECOND_BYTES);
        wait.timer.as_mut().reset(still.min(whole));
        wait.timer.as_mut().poll(cx).map(|()| if still <= whole { Late::Still } else { Late::Slow })
    }
}

impl Wait {
    fn new(mut stopped: watch::Receiver<bool>) -> Wait {
        let now = Instant::now();
        let stop = async move {
            // The sender lives as long as the server; its end is a stop as well.
            let _ = stopped.wait_for(|stop| *stop).await;
            sleep(STOP_MAX).await;
        };
        Wait { began: now, still: now, timer: Box::pin(sleep_until(now)), stop: Box::pin(stop) }
    }
}

impl<B> HttpBody for Arrival<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Some(late) = self.late {
            return Poll::Ready(Some(Err(late.into())));
        }
        let Poll::Ready(polled) = Pin::new(&mut self.body).poll_frame(cx) else {
            let late = ready!(self.poll_late(cx));
            self.late = Some(late);
            return Poll::Ready(Some(Err(late.into())));
        };
        if let Some(Ok(frame)) = &polled {
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        if let Some(wait) = &mut self.wait {
            wait.still = Instant::now();
        }
        Poll::Ready(polled.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use http_body_util::BodyExt;

    use super::*;

    /// Pieces, each after so many seconds; behind the last one nothing comes, not even an end.
    struct Script {
        pieces: VecDeque<(u64, usize)>,
        timer: Option<Pin<Box<Sleep>>>,
    }

    impl HttpBody for Script {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            let Some((seconds, bytes)) = self.pieces.front().copied() else { return Poll::Pending };
            let next = || Box::pin(sleep(Duration::from_secs(seconds)));
            ready!(self.timer.get_or_insert_with(next).as_mut().poll(cx));
            self.timer = None;
            self.pieces.pop_front();
            Poll::Ready(Some(Ok(Frame::data(vec![0; bytes].into()))))
        }
    }

    /// Reads until it is late: why, after how many seconds, and how many pieces came.
    async fn read(
        pieces: impl IntoIterator<Item = (u64, usize)>,
        stopped: watch::Receiver<bool>,
    ) -> (Late, u64, usize) {
        let script = Script { pieces: pieces.into_iter().collect(), timer: None };
        let (mut arrival, began) = (Arrival::new(script, stopped), Instant::now());
        let mut count = 0;
        loop {
            match arrival.frame().await.expect("it has no end") {
                Ok(_) => count += 1,
                Err(error) => {
                    let late = Late::behind(error.as_ref()).expect("late");
                    let again = arrival.frame().await.expect("for good").expect_err("late");
                    assert_eq!(Late::behind(again.as_ref()), Some(late));
                    return (late, began.elapsed().as_secs(), count);
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_has_as_much_time_as_it_brings_bytes() {
        let (_stop, stopped) = watch::channel(false);
        let read = |pieces: Vec<(u64, usize)>| read(pieces, stopped.clone());
        assert_eq!(read(vec![]).await, (Late::Still, 30, 0));
        assert_eq!(read(vec![(29, 1)]).await, (Late::Slow, 30, 1));
        assert_eq!(read(vec![(20, 20 << 16)]).await, (Late::Still, 50, 1));
        assert_eq!(read(vec![(9, 1); 9]).await, (Late::Slow, 30, 3));
        assert_eq!(read(vec![(1, 1 << 16); 256]).await, (Late::Still, 256 + 30, 256));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_two_seconds_for_it() {
        let (stop, stopped) = watch::channel(false);
        let stops = tokio::spawn(async move {
            sleep(Duration::from_secs(5)).await;
            stop.send(true).expect("somebody reads");
            stop
        });
        assert_eq!(read(vec![(2, 1); 20], stopped).await, (Late::Stopping, 7, 3));
        stops.await.expect("stopped");
    }
}
