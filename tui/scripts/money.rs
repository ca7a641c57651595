//! Keys on the pages about money.

use super::*;
use crate::conn::{Detail, Snapshot};
use crate::fixture::{app_at, snapshot};
use crate::state::nav::MoneyPage;
use weir_model::SessionId;

fn page(page: MoneyPage) -> View {
    View::Money(page)
}

#[test]
fn the_money_key_and_names_open_the_sessions_and_enter_one_of_them() {
    let mut app = app_at(View::Streams);
    let focus = Focus::Money(MoneyPage::Sessions);
    assert_eq!(press(&mut app, "$"), [Effect::Send(Request::Focus(focus))]);
    let mut app = app_at(View::Streams);
    typed(&mut app, ":se");
    press(&mut app, "enter");
    assert_eq!(*view(&app), page(MoneyPage::Sessions));
    let mut app = app_at(page(MoneyPage::Sessions));
    press(&mut app, "j enter");
    assert_eq!(*view(&app), page(MoneyPage::Session(SessionId(0x5e1))));
    typed(&mut app, ":session show ses_00000000000005e0");
    press(&mut app, "enter");
    assert_eq!(*view(&app), page(MoneyPage::Session(SessionId(0x5e0))));
}

#[test]
fn sessions_are_filtered_by_what_their_json_holds_and_those_that_run_stand_above_those_that_do_not()
{
    let mut app = app_at(page(MoneyPage::Sessions));
    let first = |app: &App| {
        let sessions = &app.state.shown().money.sessions;
        app.state.lists.sessions.selected(sessions).unwrap().channel.to_string()
    };
    assert_eq!(first(&app), "studio-1");
    press(&mut app, "G");
    assert_eq!(first(&app), "yesterday");
    typed(&mut app, "/parties.left_seconds<60 or ended_why==balance");
    press(&mut app, "enter");
    assert_eq!((app.state.lists.sessions.len(), first(&app).as_str()), (2, "demo"));
}

#[test]
fn a_session_is_ended_with_a_reason_from_the_list_from_its_page_and_by_the_prompt() {
    let end = |app: &mut App| {
        typed(app, "abuse");
        let act = Act::EndSession { id: SessionId(0x5e1), reason: "abuse".into() };
        assert_eq!(press(app, "enter"), [Effect::Send(Request::Act(1, act))]);
    };
    let mut app = app_at(page(MoneyPage::Sessions));
    assert_eq!(press(&mut app, "j x enter"), []);
    end(&mut app);
    let mut app = app_at(page(MoneyPage::Session(SessionId(0x5e1))));
    assert_eq!(press(&mut app, "x enter"), []);
    end(&mut app);
    let mut app = app_at(page(MoneyPage::Sessions));
    typed(&mut app, ":session end ses_00000000000005e1");
    press(&mut app, "enter");
    end(&mut app);
    press(&mut app, "G x");
    assert_eq!(app.state.notice(), Some("it has ended already"));
}

#[test]
fn what_is_known_of_another_session_is_neither_shown_nor_ended() {
    let mut app = app_at(page(MoneyPage::Session(SessionId(0x5e1))));
    app.begin(page(MoneyPage::Session(SessionId(0x5e2))), "").unwrap();
    assert_eq!(press(&mut app, "x"), []);
    assert_eq!(app.state.mode, Mode::Normal);
    let sessions = fixture::recording().told(&MoneyPage::Session(SessionId(0x5e2))).unwrap();
    let detail = Detail::Money(MoneyPage::Session(SessionId(0x5e2)), sessions);
    app.update(Update::Seen(Box::new(Snapshot { detail, ..snapshot() })));
    press(&mut app, "x");
    assert!(matches!(&app.state.mode, Mode::Confirm(ask) if ask.title.contains("studio-1")));
}
