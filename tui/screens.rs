//! Every screen as it looks, as text files under `snapshots/`.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use weir_model::{ApiError, ErrorCode, SessionId};

use crate::act::money::{Deed, Tried};
use crate::app::App;
use crate::conn::{Detail, Snapshot, Update};
use crate::fixture::{app_at, name, recording, snapshot};
use crate::scripts::{press, typed};
use crate::state::nav::{MoneyPage, View, WalletPage};
use crate::theme::{Depth, Theme};

/// The frame as text, through the same path as on a real terminal.
fn screen(app: &App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| app.draw(frame)).unwrap();
    crate::still::text(terminal.backend().buffer())
}

fn small(app: &App) -> String {
    screen(app, 80, 24)
}

#[test]
fn streams() {
    insta::assert_snapshot!(small(&app_at(View::Streams)));
}

#[test]
fn streams_in_a_large_terminal() {
    insta::assert_snapshot!(screen(&app_at(View::Streams), 120, 40));
}

#[test]
fn streams_in_ascii() {
    let mut app = app_at(View::Streams);
    app.theme = Theme { depth: Depth::Plain, ascii: true };
    let text = small(&app);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn streams_with_a_filter_and_frozen() {
    let mut app = app_at(View::Streams);
    typed(&mut app, "/!demo");
    press(&mut app, "enter space");
    app.update(Update::Event(recording().events[0].clone()));
    app.update(Update::Event(recording().events[1].clone()));
    insta::assert_snapshot!(small(&app));
}

#[test]
fn streams_while_a_filter_is_typed() {
    let mut app = app_at(View::Streams);
    typed(&mut app, "/nothing like this");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn streams_while_a_wrong_filter_is_typed() {
    let mut app = app_at(View::Streams);
    typed(&mut app, "/viewers>3 and bitrat>4M");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn streams_chosen_by_an_expression() {
    let mut app = app_at(View::Streams);
    typed(&mut app, "/bitrate>4M and viewers>10");
    press(&mut app, "enter");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn streams_wide() {
    let mut app = app_at(View::Streams);
    press(&mut app, "w");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn columns_of_streams() {
    let mut app = app_at(View::Streams);
    press(&mut app, "C j j space j j j enter enter");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn every_list_is_wide_on_request_and_names_its_columns_in_the_head() {
    for mut state in crate::fixture::every_page() {
        if state.list().is_none() {
            continue;
        }
        state.toggle_wide();
        let names: Vec<_> = state.columns().into_iter().map(|(name, _, _)| name).collect();
        let mut app = App::new(Theme::plain());
        std::mem::swap(&mut app.state, &mut state);
        let text = screen(&app, 250, 24);
        // The graph needs no head.
        for name in names.iter().filter(|name| **name != "GRAPH") {
            assert!(text.contains(name), "{name} is not in\n{text}");
        }
    }
}

#[test]
fn empty_node() {
    let mut app = App::new(Theme::plain());
    let mut status = recording().status;
    (status.streams_live, status.publishers, status.viewers) = (0, 0, 0);
    (status.ingest_bitrate, status.loops) = (0, Vec::new());
    let snapshot =
        Snapshot { status, streams: Vec::new(), findings: Vec::new(), detail: Detail::None };
    app.update(Update::Seen(Box::new(snapshot)));
    insta::assert_snapshot!(small(&app));
}

#[test]
fn before_the_first_answer() {
    insta::assert_snapshot!(small(&App::new(Theme::plain())));
}

#[test]
fn reconnecting_keeps_what_was_known() {
    let mut app = app_at(View::Streams);
    app.tick(12_000);
    let error = "connection refused by 127.0.0.1:7070".to_owned();
    app.update(Update::Lost { error, attempt: 3, retry_ms: 2_000 });
    insta::assert_snapshot!(small(&app));
}

#[test]
fn stream_overview() {
    insta::assert_snapshot!(small(&app_at(View::Stream(name("night-run")))));
}

#[test]
fn stream_overview_in_a_large_terminal() {
    insta::assert_snapshot!(screen(&app_at(View::Stream(name("demo"))), 120, 40));
}

#[test]
fn stream_in_its_grace_period() {
    insta::assert_snapshot!(small(&app_at(View::Stream(name("studio-1")))));
}

#[test]
fn stream_viewers() {
    let mut app = app_at(View::Stream(name("demo")));
    press(&mut app, "tab j");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn stream_events() {
    let mut app = app_at(View::Stream(name("demo")));
    press(&mut app, "tab tab");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn stream_explained() {
    let mut app = app_at(View::Stream(name("demo")));
    press(&mut app, "tab tab tab");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn an_act_that_failed_because_the_node_is_away_is_told() {
    let mut app = app_at(View::Streams);
    app.update(Update::Lost { error: "refused".into(), attempt: 1, retry_ms: 500 });
    press(&mut app, "x");
    typed(&mut app, "why");
    press(&mut app, "enter");
    app.update(Update::Done { id: 1, result: Err("refused".into()) });
    let told = "CONNECTION LOST, failed: refused: weir stream kick demo --reason 'why' --yes";
    assert_eq!(small(&app).lines().nth(2), Some(told));
}

#[test]
fn a_narrow_terminal_keeps_the_connection_and_drops_figures() {
    let line = screen(&app_at(View::Streams), 40, 12).lines().next().map(str::to_owned);
    assert_eq!(line.as_deref(), Some("weir alpha 0.1.0  connected, 0 s old"));
    let line = screen(&app_at(View::Streams), 30, 12).lines().next().map(str::to_owned);
    assert_eq!(line.as_deref(), Some("weir al…  connected, 0 s old"));
}

#[test]
fn kick_asks_for_a_reason() {
    let mut app = app_at(View::Stream(name("demo")));
    press(&mut app, "x enter");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn node() {
    insta::assert_snapshot!(small(&app_at(View::Node)));
}

#[test]
fn events() {
    insta::assert_snapshot!(small(&app_at(View::Events)));
}

#[test]
fn channels() {
    insta::assert_snapshot!(small(&app_at(View::Channels)));
}

#[test]
fn channel_with_its_keys() {
    insta::assert_snapshot!(small(&app_at(View::Channel(name("demo")))));
}

#[test]
fn nodes() {
    insta::assert_snapshot!(small(&app_at(View::Nodes)));
}

#[test]
fn nodes_in_a_large_terminal() {
    insta::assert_snapshot!(screen(&app_at(View::Nodes), 120, 40));
}

#[test]
fn links() {
    insta::assert_snapshot!(small(&app_at(View::Links)));
}

#[test]
fn actors() {
    insta::assert_snapshot!(small(&app_at(View::Actors)));
}

#[test]
fn replicas() {
    insta::assert_snapshot!(small(&app_at(View::Replicas)));
}

#[test]
fn raft() {
    insta::assert_snapshot!(small(&app_at(View::Raft)));
}

#[test]
fn private_sessions() {
    insta::assert_snapshot!(small(&app_at(View::Money(MoneyPage::Sessions))));
}

#[test]
fn private_sessions_in_a_large_terminal() {
    let mut app = app_at(View::Money(MoneyPage::Sessions));
    press(&mut app, "w");
    insta::assert_snapshot!(screen(&app, 140, 30));
}

#[test]
fn a_private_session_in_ascii() {
    let mut app = app_at(View::Money(MoneyPage::Session(SessionId(0x5e1))));
    app.theme = Theme { depth: Depth::Plain, ascii: true };
    let text = small(&app);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn ending_a_session_asks_for_a_reason() {
    let mut app = app_at(View::Money(MoneyPage::Sessions));
    press(&mut app, "j x enter");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn a_refusal_is_told_on_a_page_about_money() {
    let mut app = app_at(View::Money(MoneyPage::Sessions));
    let error = ApiError::new(ErrorCode::Unavailable, "The ledger has no quorum.");
    app.update(Update::Seen(Box::new(Snapshot { detail: Detail::Refused(error), ..snapshot() })));
    let told = "The ledger has no quorum. What follows is older.";
    assert_eq!(small(&app).lines().nth(3), Some(told));
    press(&mut app, "enter");
    assert_eq!(small(&app).lines().nth(3), Some("The ledger has no quorum."));
}

fn fan() -> View {
    View::Money(MoneyPage::Wallet(WalletPage::of("fan")))
}

#[test]
fn people() {
    insta::assert_snapshot!(small(&app_at(View::Money(MoneyPage::People(None)))));
}

#[test]
fn wallet() {
    insta::assert_snapshot!(small(&app_at(fan())));
}

#[test]
fn payouts() {
    insta::assert_snapshot!(small(&app_at(View::Money(MoneyPage::Payouts))));
}

#[test]
fn ledger() {
    insta::assert_snapshot!(small(&app_at(View::Money(MoneyPage::Ledger(None)))));
}

#[test]
fn audit() {
    insta::assert_snapshot!(small(&app_at(View::Money(MoneyPage::Audit(None)))));
}

#[test]
fn audit_in_a_large_terminal() {
    let mut app = app_at(View::Money(MoneyPage::Audit(None)));
    press(&mut app, "w");
    insta::assert_snapshot!(screen(&app, 160, 24));
}

#[test]
fn help_of_a_wallet() {
    let mut app = app_at(fan());
    press(&mut app, "?");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn a_record_explained() {
    insta::assert_snapshot!(small(&app_at(View::Money(MoneyPage::Record(4)))));
}

#[test]
fn a_credit_asks_how_much_before_anything_else() {
    let mut app = app_at(fan());
    press(&mut app, "c");
    typed(&mut app, "5,00");
    press(&mut app, "enter");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn what_money_would_do_is_shown_before_it_is_done() {
    let mut app = app_at(fan());
    press(&mut app, "c");
    typed(&mut app, "20.00");
    press(&mut app, "enter");
    let deed = Deed::Credit { account: "fan".into(), amount: "20.00".into() };
    let receipt = crate::fixture::money::receipt();
    app.update(Update::Tried { id: 1, result: Ok(Box::new(Tried { deed, receipt })) });
    insta::assert_snapshot!(small(&app));
}

#[test]
fn a_refund_waits_for_the_node_to_say_what_it_would_do() {
    let mut app = app_at(fan());
    press(&mut app, "j R enter");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn help_of_nodes() {
    let mut app = app_at(View::Nodes);
    press(&mut app, "?");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn drain_asks_for_a_reason() {
    let mut app = app_at(View::Nodes);
    press(&mut app, "j D");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn revoke_asks_for_the_name() {
    let mut app = app_at(View::Channel(name("demo")));
    press(&mut app, "x");
    typed(&mut app, "dem");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn command_log() {
    let mut app = app_at(View::Streams);
    for reason in ["not ours", "still not ours"] {
        press(&mut app, "x");
        typed(&mut app, reason);
        press(&mut app, "enter");
    }
    app.update(Update::Done { id: 1, result: Err("connection refused".into()) });
    press(&mut app, "@");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn help_of_streams() {
    let mut app = app_at(View::Streams);
    press(&mut app, "?");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn prompt_offers_completions() {
    let mut app = app_at(View::Streams);
    typed(&mut app, ":stream k");
    press(&mut app, "tab");
    typed(&mut app, " ");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn quit_with_an_act_under_way() {
    let mut app = app_at(View::Streams);
    press(&mut app, "x");
    typed(&mut app, "why");
    press(&mut app, "enter q");
    insta::assert_snapshot!(small(&app));
}

#[test]
fn colour_never_says_what_text_does_not() {
    for mut state in crate::fixture::every_page() {
        let mut texts = Vec::new();
        for depth in [Depth::Plain, Depth::Sixteen, Depth::True] {
            let mut app = App::new(Theme { depth, ascii: false });
            std::mem::swap(&mut app.state, &mut state);
            texts.push(small(&app));
            std::mem::swap(&mut app.state, &mut state);
        }
        assert!(texts.iter().all(|text| *text == texts[0]));
    }
}

#[test]
fn no_size_of_terminal_breaks_any_page() {
    for mut state in crate::fixture::every_page() {
        for mode in ["", "?", ":", "/", "x", "C", "w"] {
            let mut app = App::new(Theme::plain());
            std::mem::swap(&mut app.state, &mut state);
            press(&mut app, mode);
            for (width, height) in [(0, 0), (1, 1), (19, 5), (20, 6), (21, 7), (33, 9), (300, 100)]
            {
                screen(&app, width, height);
            }
            press(&mut app, "esc");
            std::mem::swap(&mut app.state, &mut state);
        }
    }
}
