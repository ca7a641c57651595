//! `/ready`: what a balancer asks to know whether to send viewers here.
//!
//! It says nothing of the viewers that are here: they are served whatever the answer is.

use http::StatusCode;
use http::header;

use super::Context;
use super::http::reply::{self, Reply};

/// Says why viewers should be sent elsewhere; nothing while they are welcome.
pub type Away = Box<dyn Fn() -> Option<&'static str> + Send + Sync>;

/// 200 while viewers are welcome, 503 with the reason otherwise; never kept by a cache.
pub(super) fn answer(context: &Context) -> Reply {
    let (status, text) = match (context.away)() {
        None => (StatusCode::OK, "ready"),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
    };
    let mut reply = reply::sentence(status, text);
    reply.headers_mut().insert(header::CACHE_CONTROL, reply::NO_STORE);
    reply
}

#[cfg(test)]
mod tests {
    use http::Method;

    use crate::edge::testing::Edge;

    #[tokio::test]
    async fn a_balancer_is_told_whether_to_send_viewers_and_no_cache_keeps_it() {
        let edge = Edge::playing().await;
        for (why, status, text) in
            [(None, 200, "ready\n"), (Some("draining"), 503, "draining\n"), (None, 200, "ready\n")]
        {
            *edge.away.lock() = why;
            let head = edge.client.request(Method::HEAD, edge.url("/ready")).send().await.unwrap();
            let reply = edge.get("/ready").await;
            for answer in [&head, &reply] {
                assert_eq!(answer.status(), status, "{why:?}");
                assert_eq!(answer.headers()["cache-control"], "no-store");
            }
            assert_eq!(reply.text().await.unwrap(), text);
            assert_eq!(edge.get("/live/demo/index.m3u8").await.status(), 200, "viewers stay");
        }
    }
}
