//! A channel that is sold: every address of it, to whoever may watch and to whoever may not.

use weir_model::{Access, AccountRole, Timestamp};

use super::*;
use crate::edge::testing::session::{Person, demo, everything};

/// Where the channel `demo` is the host's, and is for members when `sell` was called.
struct Shop {
    edge: Edge,
    host: Person,
    other: Person,
}

impl Shop {
    async fn open() -> Self {
        let edge = Edge::playing().await;
        edge.segment(3, 10);
        let (host, other) = (edge.person("host").await, edge.person("other").await);
        let made = edge.store.create_channel_of(host.account, demo(), String::new(), Timestamp(1));
        made.await.unwrap();
        Self { edge, host, other }
    }

    async fn sell(&self) {
        let (price, currency) = ("4.99".to_owned(), "EUR".to_owned());
        let access = Access::Members { price, currency, period_secs: 60 };
        self.edge.store.set_access(&demo(), access).await.unwrap();
    }
}

#[tokio::test]
async fn h15_nobody_but_who_may_watch_gets_anything_of_it_and_no_cache_keeps_that() {
    let shop = Shop::open().await;
    shop.sell().await;
    for (path, _) in everything() {
        for cookie in ["", &shop.other.cookie, "weir_session=wt_none"] {
            let refused = shop.edge.get_as(&path, cookie).await;
            assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
            assert_eq!(header(&refused, "weir-refused"), "members", "{path}");
            assert_eq!(header(&refused, "cache-control"), "no-store", "{path}");
            assert!(refused.text().await.unwrap().contains("for its members"), "{path}");
        }
        let given = shop.edge.get_as(&path, &shop.host.cookie).await;
        if given.status() != StatusCode::NOT_FOUND {
            assert_eq!(given.status(), StatusCode::OK, "{path}");
            assert!(!header(&given, "cache-control").contains("public"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_player_without_a_cookie_is_known_by_what_its_playlists_name() {
    let shop = Shop::open().await;
    shop.sell().await;
    let master = shop.edge.get_as("/live/demo/index.m3u8", &shop.host.cookie).await;
    let master = master.text().await.unwrap();
    let media = master.lines().find(|line| line.starts_with("v0/")).unwrap();
    let list = shop.edge.text(&format!("/live/demo/{media}")).await;
    let segment = list.lines().find(|line| line.contains(".m4s?v=")).unwrap();
    let segment = segment.split('"').find(|part| part.contains(".m4s")).unwrap();
    let path = format!("/live/demo/v0/{segment}");
    assert_eq!(shop.edge.get(&path).await.status(), StatusCode::OK, "{path}");
    let bare = path.split('?').next().unwrap();
    assert_eq!(shop.edge.get(bare).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn who_waits_for_a_part_when_the_door_is_shut_does_not_get_it() {
    let shop = Shop::open().await;
    let next = shop.edge.get("/live/demo/v0/p40.m4s");
    let reload = shop.edge.get("/live/demo/v0/index.m3u8?_HLS_msn=4&_HLS_part=0");
    let shut = async {
        while shop.edge.window.waiting() < 2 {
            tokio::task::yield_now().await;
        }
        shop.sell().await;
        shop.edge.open(4);
        shop.edge.part(40, 4);
    };
    let (next, reload, ()) = tokio::join!(next, reload, shut);
    for refused in [next, reload] {
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert_eq!(header(&refused, "weir-refused"), "members");
    }
}

#[tokio::test]
async fn staff_watch_everything_and_everybody_when_it_is_public_again() {
    let shop = Shop::open().await;
    shop.sell().await;
    let path = "/live/demo/v0/s1.m4s";
    let roles = [AccountRole::Viewer, AccountRole::Moderator].into_iter().collect();
    shop.edge.store.set_roles(shop.other.account, roles).await.unwrap();
    assert_eq!(shop.edge.get_as(path, &shop.other.cookie).await.status(), StatusCode::OK);
    assert_eq!(shop.edge.get(path).await.status(), StatusCode::FORBIDDEN);
    shop.edge.store.set_access(&demo(), Access::Public).await.unwrap();
    let public = shop.edge.get(path).await;
    assert_eq!(public.status(), StatusCode::OK);
    assert!(header(&public, "cache-control").contains("public"));
}
