//! Keys pressed in a row, and what must come of them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::act::Act;
use crate::app::{App, Effect};
use crate::conn::{Focus, Request, Update};
use crate::fixture::{self, app_at, name};
use crate::state::nav::View;
use crate::state::{Link, Mode};
use crate::theme::Theme;

mod money;

/// Presses keys written as in the help, separated by spaces.
pub(crate) fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    keys.split_whitespace().flat_map(|key| app.key(&event(key))).collect()
}

/// Types a text as it stands.
pub(crate) fn typed(app: &mut App, text: &str) {
    for c in text.chars() {
        app.key(&KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    }
}

fn event(key: &str) -> KeyEvent {
    let code = match key {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "space" => KeyCode::Char(' '),
        "up" => KeyCode::Up,
        "pgdn" => KeyCode::PageDown,
        "backspace" => KeyCode::Backspace,
        other => {
            let (modifiers, c) = match other.strip_prefix("ctrl-") {
                Some(c) => (KeyModifiers::CONTROL, c),
                None => (KeyModifiers::NONE, other),
            };
            return KeyEvent::new(KeyCode::Char(c.chars().next().unwrap()), modifiers);
        }
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn view(app: &App) -> &View {
    app.state.nav.view()
}

fn selected(app: &App) -> String {
    let streams = &app.state.shown().streams;
    app.state.lists.streams.selected(streams).unwrap().channel.to_string()
}

#[test]
fn a_kick_needs_a_reason_and_names_its_stream() {
    let mut app = app_at(View::Streams);
    assert_eq!(press(&mut app, "x enter enter"), []);
    typed(&mut app, "wrong show");
    let kick = Act::KickStream { channel: name("demo"), reason: "wrong show".into() };
    assert_eq!(press(&mut app, "enter"), [Effect::Send(Request::Act(1, kick))]);
    assert_eq!(app.state.mode, Mode::Normal);
}

#[test]
fn leaving_the_question_does_nothing() {
    for way_out in ["esc", "ctrl-c", "backspace"] {
        let mut app = app_at(View::Streams);
        assert_eq!(press(&mut app, "x"), []);
        assert_eq!(press(&mut app, way_out), []);
        assert_eq!(app.state.mode, Mode::Normal, "{way_out}");
        assert!(app.state.log.entries().is_empty());
    }
}

#[test]
fn a_stream_without_publisher_cannot_be_kicked() {
    let mut app = app_at(View::Streams);
    press(&mut app, "G x");
    assert_eq!((selected(&app).as_str(), &app.state.mode), ("yesterday", &Mode::Normal));
    assert!(app.state.notice().unwrap().contains("no publisher"));
}

#[test]
fn an_act_is_kept_in_the_log_with_its_outcome() {
    let mut app = app_at(View::Streams);
    press(&mut app, "x");
    typed(&mut app, "r");
    press(&mut app, "enter");
    assert_eq!(app.state.log.running(), 1);
    app.update(Update::Done { id: 1, result: Err("node is\x1b[2J away".into()) });
    let entry = &app.state.log.entries()[0];
    assert_eq!(entry.cli, "weir stream kick demo --reason 'r' --yes");
    assert_eq!(entry.outcome.text(), "node is?[2J away");
    assert!(app.state.notice().unwrap().starts_with("failed"));
    let copied = press(&mut app, "@ c");
    assert_eq!(copied, [Effect::Copy("weir stream kick demo --reason 'r' --yes".into())]);
}

#[test]
fn quitting_asks_only_while_an_act_is_under_way() {
    let mut app = app_at(View::Streams);
    assert_eq!(press(&mut app, "q"), [Effect::Quit]);
    press(&mut app, "x");
    typed(&mut app, "r");
    press(&mut app, "enter");
    assert_eq!(press(&mut app, "q n"), []);
    assert_eq!(press(&mut app, "q y"), [Effect::Quit]);
}

#[test]
fn a_key_is_revoked_only_after_its_channel_was_typed() {
    let mut app = app_at(View::Channel(name("demo")));
    press(&mut app, "x");
    typed(&mut app, "dem");
    assert_eq!(press(&mut app, "enter"), []);
    typed(&mut app, "o");
    let effects = press(&mut app, "enter");
    let revoke = Act::RevokeKey { channel: name("demo"), key: weir_model::KeyId(1) };
    assert_eq!(effects, [Effect::Send(Request::Act(1, revoke))]);
    press(&mut app, "G x");
    assert_eq!(app.state.notice(), Some("it is revoked already"));
}

#[test]
fn a_viewer_is_kicked_from_the_viewers_and_the_stream_from_elsewhere() {
    let mut app = app_at(View::Stream(name("demo")));
    press(&mut app, "tab j x");
    typed(&mut app, "r");
    let effects = press(&mut app, "enter");
    let kick = |effects: &[Effect]| match effects {
        [Effect::Send(Request::Act(_, act))] => act.cli(),
        other => panic!("{other:?}"),
    };
    assert!(kick(&effects).starts_with("weir viewing kick view_0000000000000002 "));
    press(&mut app, "tab x");
    typed(&mut app, "r");
    assert!(kick(&press(&mut app, "enter")).starts_with("weir stream kick demo "));
}

#[test]
fn the_filter_belongs_to_its_page() {
    let mut app = app_at(View::Streams);
    typed(&mut app, "/NIGHT");
    press(&mut app, "enter");
    assert_eq!(app.state.lists.streams.len(), 1);
    press(&mut app, "2");
    assert!(app.state.list().unwrap().filter.is_empty());
    press(&mut app, "1");
    assert_eq!(app.state.lists.streams.len(), 1);
    press(&mut app, "esc");
    assert_eq!((view(&app), app.state.lists.streams.len()), (&View::Streams, 4));
}

#[test]
fn a_filter_that_is_not_understood_hides_nothing_and_is_not_kept() {
    let mut app = app_at(View::Streams);
    typed(&mut app, "/viewers>");
    assert_eq!(app.state.lists.streams.len(), 4);
    press(&mut app, "enter");
    let Mode::Filter(_, Some(error)) = &app.state.mode else { panic!("{:?}", app.state.mode) };
    assert!(error.sentence().starts_with("at character 9: a value is missing"));
    typed(&mut app, "100");
    press(&mut app, "enter");
    assert_eq!((app.state.lists.streams.len(), &app.state.mode), (1, &Mode::Normal));
    assert_eq!(selected(&app), "night-run");
}

#[test]
fn every_list_is_filtered_by_its_own_fields() {
    for (page, filter, left) in [
        (View::Streams, "~ngtrn", 1),
        (View::Streams, "re:^(demo|studio)", 2),
        (View::Streams, "codec=~h26 and state==live and publisher", 1),
        (View::Node, "state==stopped and errors>0", 1),
        (View::Events, "kind==stream.live and at>1s", 1),
        (View::Channels, "title=~coast and created_at>1d", 1),
        (View::Channel(name("demo")), "revoked_at==none and expires_at<2d", 1),
    ] {
        let mut app = app_at(page.clone());
        typed(&mut app, &format!("/{filter}"));
        assert!(matches!(app.state.mode, Mode::Filter(_, None)), "{filter}");
        assert_eq!(app.state.list().unwrap().len(), left, "{page:?} {filter}");
    }
    let mut app = app_at(View::Stream(name("demo")));
    press(&mut app, "tab");
    typed(&mut app, "/player=~vlc && requests<100");
    assert_eq!(app.state.lists.viewings.len(), 1);
}

#[test]
fn a_filter_over_time_is_judged_anew_at_every_look() {
    let mut app = app_at(View::Events);
    typed(&mut app, "/at<1m");
    press(&mut app, "enter");
    let before = app.state.lists.events.len();
    app.tick(35_000_000);
    app.update(Update::Event(fixture::recording().events[0].clone()));
    press(&mut app, "S");
    assert!(before > 0 && app.state.lists.events.is_empty());
}

#[test]
fn tab_completes_the_field_that_is_typed() {
    let mut app = app_at(View::Streams);
    typed(&mut app, "/viewers>3 and grace");
    press(&mut app, "tab");
    let typed_now = |app: &App| match &app.state.mode {
        Mode::Filter(edit, _) => edit.text(),
        other => panic!("{other:?}"),
    };
    assert_eq!(typed_now(&app), "viewers>3 and grace_until");
    typed(&mut app, "==no");
    press(&mut app, "tab");
    assert_eq!(typed_now(&app), "viewers>3 and grace_until==no");
}

#[test]
fn a_filter_given_at_the_start_is_checked() {
    let begin = |view: View, filter: &str| App::new(Theme::plain()).begin(view, filter);
    assert!(begin(View::Streams, "bitrate>4M").is_ok());
    assert!(begin(View::Streams, "bitrat>4M").unwrap_err().contains("did you mean `bitrate`?"));
    assert!(begin(View::Channels, "bitrate>4M").unwrap_err().contains("no field `bitrate`"));
    assert!(begin(View::Stream(name("demo")), "x").unwrap_err().contains("no list"));
}

#[test]
fn columns_are_hidden_sorted_and_remembered_by_their_page() {
    let mut app = app_at(View::Streams);
    press(&mut app, "C space");
    assert!(app.state.notice().unwrap().contains("stays"));
    press(&mut app, "j space j j j j enter enter esc");
    let streams = |app: &App| {
        let list = &app.state.lists.streams;
        (app.state.columns()[1].1, list.order, list.descending)
    };
    assert_eq!((streams(&app), &app.state.mode), ((false, 5, true), &Mode::Normal));
    assert_eq!(selected(&app), "demo");
    press(&mut app, "2 w");
    assert!(!app.state.lists.streams.columns.wide && app.state.lists.loops.columns.wide);
    press(&mut app, "1");
    assert_eq!(streams(&app), (false, 5, true));
    press(&mut app, "C x");
    assert_eq!(app.state.mode, Mode::Normal, "a key without meaning closes and does nothing");
}

#[test]
fn sorting_steps_over_columns_that_are_not_on_the_screen() {
    let mut app = app_at(View::Streams);
    press(&mut app, "C j space esc s");
    assert_eq!(app.state.lists.streams.order, 2);
    let before: Vec<_> = app.state.columns().iter().map(|c| c.2).collect();
    press(&mut app, "s s s s s s s s");
    assert_eq!(app.state.lists.streams.order, 0, "extras are passed over: {before:?}");
}

#[test]
fn history_goes_back_and_forward() {
    let mut app = app_at(View::Streams);
    press(&mut app, "2 3");
    press(&mut app, "[");
    assert_eq!(*view(&app), View::Node);
    press(&mut app, "[ [ [");
    assert_eq!(*view(&app), View::Streams);
    assert!(app.state.notice().unwrap().contains("no earlier page"));
    press(&mut app, "] ]");
    assert_eq!(*view(&app), View::Events);
    press(&mut app, "]");
    assert!(app.state.notice().unwrap().contains("no later page"));
}

#[test]
fn opening_a_page_tells_the_connection_what_to_ask() {
    let mut app = app_at(View::Streams);
    let focus = |focus| [Effect::Send(Request::Focus(focus))];
    assert_eq!(press(&mut app, "enter"), focus(Focus::Stream(name("demo"))));
    assert_eq!(press(&mut app, "esc"), focus(Focus::Overview));
    assert_eq!(press(&mut app, "-"), focus(Focus::Stream(name("demo"))));
    assert_eq!(press(&mut app, "4"), focus(Focus::Channels));
    assert_eq!(press(&mut app, "r"), [Effect::Send(Request::Refresh)]);
}

#[test]
fn freezing_holds_updates_and_counts_them() {
    let mut app = app_at(View::Streams);
    press(&mut app, "space");
    let mut later = fixture::snapshot();
    later.streams.retain(|s| s.channel.as_str() == "demo");
    app.update(Update::Seen(Box::new(later)));
    assert_eq!((app.state.held(), app.state.shown().streams.len()), (Some(1), 4));
    press(&mut app, "space");
    assert_eq!((app.state.held(), app.state.shown().streams.len()), (None, 1));
}

#[test]
fn a_page_that_asks_for_its_own_data_ends_the_freeze() {
    let mut app = app_at(View::Streams);
    press(&mut app, "space 2");
    assert_eq!(app.state.held(), Some(0));
    press(&mut app, "4");
    assert_eq!(app.state.held(), None);
}

#[test]
fn the_cursor_stays_on_its_stream_while_the_order_changes() {
    let mut app = app_at(View::Streams);
    press(&mut app, "j");
    assert_eq!(selected(&app), "night-run");
    press(&mut app, "s s s s s S");
    assert_eq!(app.state.lists.streams.order, 5);
    assert_eq!(selected(&app), "night-run");
    assert_eq!(app.state.lists.streams.cursor(), 0);
}

#[test]
fn events_follow_the_newest_until_the_cursor_leaves_it() {
    let mut app = app_at(View::Events);
    let newest = |app: &App| {
        let events = &app.state.shown().events;
        app.state.lists.events.selected(events).unwrap().cursor
    };
    let next = |cursor| weir_model::Event { cursor, ..fixture::recording().events[0].clone() };
    app.update(Update::Event(next(9)));
    assert_eq!(newest(&app), 9);
    press(&mut app, "j");
    app.update(Update::Event(next(10)));
    assert_eq!(newest(&app), 4);
    press(&mut app, "g");
    app.update(Update::Event(next(11)));
    assert_eq!(newest(&app), 11);
}

#[test]
fn the_alert_key_opens_the_worst_stream() {
    let mut app = app_at(View::Node);
    press(&mut app, "!");
    assert_eq!(*view(&app), View::Stream(name("night-run")));
}

#[test]
fn the_prompt_completes_runs_and_remembers() {
    let mut app = app_at(View::Streams);
    typed(&mut app, ":ev");
    press(&mut app, "tab enter");
    assert_eq!(*view(&app), View::Events);
    typed(&mut app, ":");
    press(&mut app, "up");
    assert!(matches!(&app.state.mode, Mode::Prompt(edit) if edit.text() == "events"));
    press(&mut app, "esc");
    typed(&mut app, ":rubbish");
    press(&mut app, "enter");
    assert!(app.state.notice().unwrap().contains("rubbish"));
}

#[test]
fn pasted_text_is_typed_and_never_pressed() {
    let mut app = app_at(View::Streams);
    app.paste("q\nx");
    assert_eq!(app.state.mode, Mode::Normal);
    press(&mut app, "x");
    app.paste("too\nloud\x1b[2J");
    assert!(matches!(&app.state.mode, Mode::Confirm(ask) if ask.edit.text() == "too loud?[2J"));
}

#[test]
fn a_restart_of_the_node_needs_no_key() {
    let mut app = app_at(View::Streams);
    app.update(Update::Lost { error: "refused".into(), attempt: 1, retry_ms: 500 });
    assert!(matches!(app.state.link, Link::Reconnecting { attempt: 1, .. }));
    assert_eq!(app.state.shown().streams.len(), 4);
    app.update(Update::Seen(Box::new(fixture::snapshot())));
    assert_eq!(app.state.link, Link::Connected);
}

#[test]
fn a_screen_changes_by_time_alone_once_a_second() {
    let mut app = App::new(Theme::plain());
    let changes = (0..=40).filter(|n| app.tick(n * 250)).count();
    assert_eq!(changes, 10);
}

#[test]
fn a_node_is_cordoned_drained_and_given_work_again_by_its_name_and_with_a_reason() {
    use weir_model::cluster::NodeChange;
    for (key, change) in
        [("c", NodeChange::Cordon), ("u", NodeChange::Uncordon), ("D", NodeChange::Drain)]
    {
        let mut app = app_at(View::Nodes);
        assert_eq!(press(&mut app, &format!("{key} enter")), []);
        typed(&mut app, "new disk");
        let (node, reason) = ("alpha".to_owned(), "new disk".to_owned());
        let act = Act::ChangeNode { node, change, reason };
        assert_eq!(press(&mut app, "enter"), [Effect::Send(Request::Act(1, act.clone()))]);
        assert_eq!(app.state.log.entries()[0].cli, act.cli());
    }
}

#[test]
fn a_rebalance_asks_first_by_key_and_by_prompt() {
    let mut app = app_at(View::Nodes);
    press(&mut app, "R");
    typed(&mut app, "a node was added");
    let act = Act::Rebalance { reason: "a node was added".into() };
    assert_eq!(press(&mut app, "enter"), [Effect::Send(Request::Act(1, act))]);
    typed(&mut app, ":node drain edge-1 --reason 'new disk'");
    press(&mut app, "enter");
    let Mode::Confirm(ask) = &app.state.mode else { panic!("no question") };
    assert_eq!((ask.title.as_str(), ask.edit.text().as_str()), ("Drain edge-1?", "new disk"));
    press(&mut app, "esc");
    typed(&mut app, ":node drain nobody");
    press(&mut app, "enter");
    assert!(app.state.notice().unwrap().contains(":no"));
}

#[test]
fn pages_of_the_cluster_open_by_digit_and_name_and_ask_the_node_for_what_they_show() {
    for (digit, name, page, focus) in [
        ("6", "no", View::Nodes, Focus::Nodes),
        ("7", "links", View::Links, Focus::Links),
        ("8", "act", View::Actors, Focus::Actors),
        ("9", "replicas", View::Replicas, Focus::Replicas),
        ("0", "raft", View::Raft, Focus::Raft),
    ] {
        let mut app = app_at(View::Streams);
        assert_eq!(press(&mut app, digit), [Effect::Send(Request::Focus(focus))]);
        assert_eq!(*view(&app), page);
        let mut app = app_at(View::Streams);
        typed(&mut app, &format!(":{name}"));
        press(&mut app, "enter");
        assert_eq!(*view(&app), page);
    }
}

#[test]
fn nodes_are_filtered_by_what_their_json_holds_and_sorted_by_any_column() {
    let mut app = app_at(View::Nodes);
    typed(&mut app, "/state!=up or load.cpu>350");
    press(&mut app, "enter");
    let list = app.state.list().unwrap();
    assert_eq!((list.len(), list.total()), (2, 5));
    press(&mut app, "s S");
    assert_eq!(app.state.list().unwrap().order, 1);
}
