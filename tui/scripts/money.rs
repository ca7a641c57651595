//! Keys on the pages about money.

use super::*;
use crate::act::money::{Deed, Tried, Wish};
use crate::conn::{Detail, Snapshot};
use crate::fixture::money::receipt;
use crate::fixture::{app_at, snapshot};
use crate::state::nav::{MoneyPage, WalletPage};
use weir_model::SessionId;
use weir_model::charge::LedgerId;
use weir_model::money::PersonalAccount;

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
    let sessions = fixture::recording().money.told(&MoneyPage::Session(SessionId(0x5e2))).unwrap();
    let detail = Detail::Money(MoneyPage::Session(SessionId(0x5e2)), sessions);
    app.update(Update::Seen(Box::new(Snapshot { detail, ..snapshot() })));
    press(&mut app, "x");
    assert!(matches!(&app.state.mode, Mode::Confirm(ask) if ask.title.contains("studio-1")));
}

fn fan() -> View {
    page(MoneyPage::Wallet(WalletPage::of("fan")))
}

fn once() -> LedgerId {
    LedgerId::new(0xcafe).unwrap()
}

fn credit() -> Deed {
    Deed::Credit { account: "fan".into(), amount: "20.00".into() }
}

fn tried(app: &mut App, id: u64, deed: Deed) {
    let tried = Tried { deed, receipt: receipt() };
    app.update(Update::Tried { id, result: Ok(Box::new(tried)) });
}

#[test]
fn people_open_their_wallets_and_lines_their_records() {
    let mut app = app_at(page(MoneyPage::People(None)));
    press(&mut app, "enter");
    assert_eq!(*view(&app), fan());
    let mut app = app_at(fan());
    press(&mut app, "j enter");
    assert_eq!(*view(&app), page(MoneyPage::Record(4)));
    let mut app = app_at(View::Streams);
    typed(&mut app, ":wallet star");
    press(&mut app, "enter");
    assert_eq!(*view(&app), page(MoneyPage::Wallet(WalletPage::of("star"))));
    let mut app = app_at(page(MoneyPage::Session(SessionId(0x5e1))));
    press(&mut app, "enter");
    assert_eq!(*view(&app), fan());
}

#[test]
fn tab_goes_through_a_persons_accounts_and_back_leaves_all_of_them() {
    let mut app = app_at(View::Streams);
    app.begin(fan(), "").unwrap();
    for of in [PersonalAccount::Pending, PersonalAccount::Payable, PersonalAccount::Debt] {
        let wanted = MoneyPage::Wallet(WalletPage { account: "fan".into(), of, upto: None });
        assert_eq!(press(&mut app, "tab"), [Effect::Send(Request::Focus(Focus::Money(wanted)))]);
    }
    press(&mut app, "esc");
    assert_eq!(*view(&app), View::Streams);
}

#[test]
fn money_moves_only_after_an_amount_a_look_at_what_it_would_do_and_a_reason() {
    let mut app = app_at(fan());
    assert_eq!(press(&mut app, "c enter"), []);
    typed(&mut app, "20.00");
    let wish = Wish::Deed(credit());
    assert_eq!(press(&mut app, "enter"), [Effect::Send(Request::Try(1, wish, once()))]);
    assert_eq!(press(&mut app, "enter x y"), [], "nothing is done while the node is asked");
    tried(&mut app, 1, credit());
    assert_eq!(press(&mut app, "enter"), [], "a reason is needed");
    typed(&mut app, "bank transfer 7");
    let act = Act::Money { deed: credit(), once: once(), reason: "bank transfer 7".into() };
    assert_eq!(press(&mut app, "enter"), [Effect::Send(Request::Act(1, act.clone()))]);
    assert_eq!(app.state.log.entries()[0].cli, act.cli());
}

#[test]
fn every_try_has_an_id_of_its_own() {
    let mut app = app_at(fan());
    let mut ids = Vec::new();
    for _ in 0..2 {
        match press(&mut app, "f").as_slice() {
            [Effect::Send(Request::Try(id, _, once))] => ids.push((*id, *once)),
            other => panic!("{other:?}"),
        }
        press(&mut app, "esc");
    }
    assert_eq!(ids, [(1, once()), (2, LedgerId::new(0xcaff).unwrap())]);
    app.state.next_id = 0;
    assert_eq!(press(&mut app, "f"), []);
    assert!(app.state.notice().unwrap().contains("no random numbers"));
}

#[test]
fn an_answer_that_nobody_waits_for_asks_nothing() {
    let mut app = app_at(fan());
    press(&mut app, "f esc");
    tried(&mut app, 1, credit());
    assert_eq!(app.state.mode, Mode::Normal);
    press(&mut app, "f");
    tried(&mut app, 1, credit());
    assert!(matches!(app.state.mode, Mode::Trying(_)), "it is the answer to the one before");
    app.update(Update::Tried { id: 2, result: Err("account fan has 1.00\x1b[2J EUR left".into()) });
    assert_eq!(app.state.mode, Mode::Normal);
    assert_eq!(app.state.notice(), Some("nothing was done: account fan has 1.00?[2J EUR left"));
}

#[test]
fn the_line_under_the_cursor_is_given_back_in_part_or_all_that_is_left_of_it() {
    for (amount, wanted) in [("", None), ("2.50", Some("2.50".to_owned()))] {
        let mut app = app_at(fan());
        press(&mut app, "j R");
        typed(&mut app, amount);
        let wish = Wish::RefundOf { seq: 4, amount: wanted };
        assert_eq!(press(&mut app, "enter"), [Effect::Send(Request::Try(1, wish, once()))]);
    }
    let mut app = app_at(page(MoneyPage::Record(4)));
    press(&mut app, "R");
    assert!(matches!(&app.state.mode, Mode::Confirm(ask) if ask.title.contains("record 4")));
}

#[test]
fn only_what_is_paid_with_or_paid_out_is_frozen() {
    let stand = |key: &str, of: PersonalAccount| {
        let mut app = app_at(View::Money(MoneyPage::People(None)));
        let page = WalletPage { account: "fan".into(), of, upto: None };
        app.begin(View::Money(MoneyPage::Wallet(page.clone())), "").unwrap();
        let told = fixture::recording().money.told(&MoneyPage::Wallet(WalletPage::of("fan")));
        let detail = Detail::Money(MoneyPage::Wallet(page), told.unwrap());
        app.update(Update::Seen(Box::new(Snapshot { detail, ..snapshot() })));
        press(&mut app, key)
    };
    for (key, of, frozen) in
        [("f", PersonalAccount::Wallet, true), ("u", PersonalAccount::Payable, false)]
    {
        let wish = Wish::Deed(Deed::Stand { account: "fan".into(), of, frozen });
        assert_eq!(stand(key, of), [Effect::Send(Request::Try(1, wish, once()))]);
    }
    assert_eq!(stand("f", PersonalAccount::Debt), []);
}

#[test]
fn keys_do_nothing_with_the_wallet_of_somebody_else() {
    let mut app = app_at(fan());
    let star = page(MoneyPage::Wallet(WalletPage::of("star")));
    app.begin(star, "").unwrap();
    for key in ["c", "f", "u", "R", "n", "enter"] {
        assert_eq!(press(&mut app, key), [], "{key}");
        assert_eq!(app.state.mode, Mode::Normal, "{key}");
    }
}

#[test]
fn a_short_page_has_no_other_behind_it() {
    let mut app = app_at(page(MoneyPage::People(None)));
    assert_eq!(press(&mut app, "n"), []);
    assert_eq!(app.state.notice(), Some("these are the last accounts"));
    let mut app = app_at(fan());
    assert_eq!(press(&mut app, "n"), []);
    assert_eq!(app.state.notice(), Some("there are no older lines"));
}

#[test]
fn a_full_page_opens_the_one_behind_it_and_neither_filter_nor_cursor_goes_along() {
    use crate::conn::money::{MoneyTold, ROWS_MAX};
    let mut app = app_at(fan());
    let whole = MoneyPage::Wallet(WalletPage::of("fan"));
    let Ok(MoneyTold::Wallet(mut told)) = fixture::recording().money.told(&whole) else { panic!() };
    let line = told.statement.lines[0].clone();
    let seqs = 1_000..1_000 + ROWS_MAX as u64;
    told.statement.lines =
        seqs.map(|seq| weir_model::money::StatementLine { seq, ..line.clone() }).collect();
    let detail = Detail::Money(whole, MoneyTold::Wallet(told));
    app.update(Update::Seen(Box::new(Snapshot { detail, ..snapshot() })));
    typed(&mut app, "/seq>1010");
    press(&mut app, "enter j j");
    let older = MoneyPage::Wallet(WalletPage { upto: Some(999), ..WalletPage::of("fan") });
    let focus = Focus::Money(older.clone());
    assert_eq!(press(&mut app, "n"), [Effect::Send(Request::Focus(focus))]);
    assert_eq!(*view(&app), View::Money(older));
    assert!(app.state.lists.lines.filter.is_empty() && app.state.lists.lines.cursor() == 0);
}

#[test]
fn tab_goes_round_the_pages_about_money() {
    let mut app = app_at(page(MoneyPage::Sessions));
    let pages = [
        MoneyPage::People(None),
        MoneyPage::Payouts,
        MoneyPage::Ledger(None),
        MoneyPage::Audit(None),
        MoneyPage::Sessions,
    ];
    for next in pages {
        press(&mut app, "tab");
        assert_eq!(*view(&app), page(next));
    }
}

#[test]
fn a_payout_is_tried_before_it_is_called_paid_or_failed_and_also_one_that_was_paid_may_come_back() {
    let id = LedgerId::new(9).unwrap();
    for (key, arrived) in [("p", true), ("f", false)] {
        let mut app = app_at(page(MoneyPage::Payouts));
        let wish = Wish::Deed(Deed::Payout { id, arrived });
        assert_eq!(press(&mut app, key), [Effect::Send(Request::Try(1, wish, once()))]);
        tried(&mut app, 1, Deed::Payout { id, arrived });
        typed(&mut app, "bank statement 7");
        let [Effect::Send(Request::Act(1, act))] = &press(&mut app, "enter")[..] else { panic!() };
        let verb = if arrived { "paid" } else { "fail" };
        assert_eq!(act.cli(), format!("weir payout {verb} {id} --reason 'bank statement 7' --yes"));
    }
    let mut app = app_at(page(MoneyPage::Payouts));
    press(&mut app, "j p");
    assert_eq!(app.state.notice(), Some("it has failed already"));
    press(&mut app, "j p");
    assert_eq!(app.state.notice(), Some("it has been paid already"));
    let came_back = Wish::Deed(Deed::Payout { id: LedgerId::new(8).unwrap(), arrived: false });
    let asked = press(&mut app, "f");
    assert_eq!(asked, [Effect::Send(Request::Try(1, came_back, once()))]);
    press(&mut app, "esc k");
    press(&mut app, "enter");
    assert_eq!(*view(&app), page(MoneyPage::Wallet(WalletPage::of("acc_000000000000004d"))));
}

#[test]
fn the_ledger_follows_its_newest_record_until_the_cursor_leaves_it_and_opens_older_ones() {
    use crate::conn::money::MoneyTold;
    let mut app = app_at(page(MoneyPage::Ledger(None)));
    let selected =
        |app: &App| app.state.lists.records.selected(&app.state.shown().money.records).unwrap().seq;
    let grow = |app: &mut App, newest: u64| {
        let mut all = app.state.shown().money.records.to_vec();
        all.push(weir_model::money::LedgerRecord { seq: newest, ..all[0].clone() });
        let detail = Detail::Money(MoneyPage::Ledger(None), MoneyTold::Records(all));
        app.update(Update::Seen(Box::new(Snapshot { detail, ..snapshot() })));
    };
    assert_eq!(selected(&app), 5);
    grow(&mut app, 6);
    assert_eq!(selected(&app), 6);
    press(&mut app, "j");
    grow(&mut app, 7);
    assert_eq!(selected(&app), 5);
    typed(&mut app, "/refused==none and seq<6");
    press(&mut app, "enter");
    assert_eq!(selected(&app), 4);
    press(&mut app, "enter");
    assert_eq!(*view(&app), page(MoneyPage::Record(4)));
    press(&mut app, "[ n");
    assert_eq!(*view(&app), page(MoneyPage::Ledger(Some(1))));
}

#[test]
fn what_staff_did_is_filtered_by_its_fields() {
    let mut app = app_at(page(MoneyPage::Audit(None)));
    typed(&mut app, "/outcome==failed and action==wallet.change");
    assert_eq!(app.state.lists.audit.len(), 1);
}
