//! What somebody has, and what happened to it; the keys that change it try it first.

use weir_model::money::{PersonalAccount, StatementLine};

use crate::act::money::{Deed, Wish, account_word};
use crate::act::word;
use crate::conn::money::{ROWS_MAX, WalletTold};
use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::confirm::Confirm;
use crate::state::money::rows::standing;
use crate::state::nav::{MoneyPage, View, WalletPage};
use crate::text;
use crate::theme::Tone;

use super::money;
use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 7] = [
    right("RECORD", 7, 0),
    left("TIME", 16, 2),
    left("WHAT", 12, 0),
    right("DEBIT", 9, 0),
    right("CREDIT", 9, 0),
    right("BALANCE", 9, 0),
    wide("REASON", 10),
];

/// Accounts of a person that have a statement, in the order of `tab`.
const ACCOUNTS: [(PersonalAccount, &str); 4] = [
    (PersonalAccount::Wallet, "Wallet"),
    (PersonalAccount::Pending, "Pending"),
    (PersonalAccount::Payable, "Payable"),
    (PersonalAccount::Debt, "Debt"),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State, page: &WalletPage) {
    let known = &state.shown().money;
    let told = known.wallet.as_deref();
    let title = || told.map_or_else(|| page.account.clone(), person);
    let whole = MoneyPage::Wallet(page.clone());
    let Some(body) = &mut money::body(paint, state, &whole, title) else { return };
    let Some(told) = told else { return };
    balances(body, told);
    let list = &state.lists.lines;
    let older = if known.lines.len() < ROWS_MAX { "" } else { "; n shows older" };
    let upto = page.upto.map(|seq| format!(" up to record {seq}")).unwrap_or_default();
    let x = tabs(body, page);
    let line = format!(" {}{upto}, times in UTC{older}", table::counted(list, "lines"));
    body.at(x, 2, &line, Tone::Dim);
    let height = body.height();
    let body = &mut body.rows(3, height);
    table::draw::<StatementLine>(body, list, &COLUMNS, |index| match known.lines.get(index) {
        Some(line) => cells(line),
        None => Vec::new(),
    });
    table::empty(body, list, "Nothing happened on this account yet.");
}

fn person(told: &WalletTold) -> String {
    match &told.account {
        Some(one) => format!("{}  {}  {}  {}", one.name, one.roles, standing(one), one.id),
        None => told.wallet.account.to_string(),
    }
}

fn balances(paint: &mut Paint<'_>, told: &WalletTold) {
    let wallet = &told.wallet;
    let code = wallet.currency.as_deref().unwrap_or_default();
    let is_open = wallet.standing == "open";
    let available = format!("{} {code}", wallet.available);
    let reserved = format!("   reserved {}   standing ", wallet.reserved);
    let tone = if is_open { Tone::Ok } else { Tone::Bad };
    let pieces = [
        ("available ", Tone::Dim),
        (available.as_str(), Tone::Title),
        (reserved.as_str(), Tone::Text),
        (wallet.standing.as_str(), tone),
    ];
    paint.spans(0, 0, &pieces);
    let earned = format!(
        "earned: pending {}, payable {}   debt {}",
        wallet.pending, wallet.payable, wallet.debt
    );
    paint.line(1, &earned, Tone::Text);
}

fn tabs(paint: &mut Paint<'_>, page: &WalletPage) -> u16 {
    ACCOUNTS.into_iter().fold(0, |x, (of, title)| {
        let open = of == page.of;
        let label = if open { format!("[{title}]") } else { format!(" {title} ") };
        paint.at(x, 2, &label, if open { Tone::Accent } else { Tone::Dim })
    })
}

fn cells(line: &StatementLine) -> Vec<Cell> {
    vec![
        (line.seq.to_string(), Tone::Accent),
        (text::day(line.at), Tone::Dim),
        (line.what.clone(), Tone::Text),
        (line.debit.clone(), Tone::Text),
        (line.credit.clone(), Tone::Text),
        (line.balance.clone(), Tone::Text),
        (line.reason.clone(), Tone::Dim),
    ]
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State, page: &WalletPage) -> Option<Intent> {
    let moves = matches!(
        command,
        Command::Credit | Command::FreezeMoney | Command::UnfreezeMoney | Command::Refund
    );
    if !moves && !matches!(command, Command::Pane | Command::Open | Command::Older) {
        return None;
    }
    if command == Command::Pane {
        return Some(Intent::Swap(other(page)));
    }
    let known = &state.shown().money;
    let told = known.wallet.as_deref();
    let Some(told) = told.filter(|_| known.is_of(&MoneyPage::Wallet(page.clone()))) else {
        return Some(Intent::Tell("wait until the node has told this wallet".into()));
    };
    let line = state.lists.lines.selected(&known.lines);
    Some(match (command, line) {
        (Command::Older, _) => older(page, &known.lines),
        (Command::Credit, _) => {
            let currency = told.wallet.currency.as_deref();
            Intent::Ask(Box::new(Confirm::credit(&page.account, currency)))
        }
        (Command::FreezeMoney, _) => stand(page, true),
        (Command::UnfreezeMoney, _) => stand(page, false),
        (_, None) => Intent::Tell("there is no line under the cursor".into()),
        (Command::Refund, Some(line)) => {
            let currency = told.wallet.currency.as_deref();
            Intent::Ask(Box::new(Confirm::refund(line.seq, &line.what, currency)))
        }
        (_, Some(line)) => Intent::Open(View::Money(MoneyPage::Record(line.seq))),
    })
}

fn other(page: &WalletPage) -> View {
    let at = ACCOUNTS.iter().position(|(of, _)| *of == page.of).unwrap_or_default();
    let of = ACCOUNTS[(at + 1) % ACCOUNTS.len()].0;
    View::Money(MoneyPage::Wallet(WalletPage { of, upto: None, account: page.account.clone() }))
}

fn older(page: &WalletPage, lines: &[StatementLine]) -> Intent {
    // The node gives the oldest line first.
    let before = lines.first().filter(|_| lines.len() >= ROWS_MAX).map(|line| line.seq);
    match before.and_then(|seq| seq.checked_sub(1)) {
        Some(upto) => Intent::Open(View::Money(MoneyPage::Wallet(WalletPage {
            upto: Some(upto),
            ..page.clone()
        }))),
        None => Intent::Tell("there are no older lines".into()),
    }
}

fn stand(page: &WalletPage, frozen: bool) -> Intent {
    let WalletPage { account, of, .. } = page.clone();
    match of {
        PersonalAccount::Wallet | PersonalAccount::Payable => {
            Intent::Try(Wish::Deed(Deed::Stand { account, of, frozen }), String::new())
        }
        PersonalAccount::Pending | PersonalAccount::Debt => Intent::Tell(
            "only a wallet, or what is payable, is frozen; tab opens the next account".into(),
        ),
    }
}

/// The command line that prints the page.
#[must_use]
pub fn shell(page: &WalletPage) -> String {
    let upto = page.upto.map(|seq| format!(" --upto {seq}")).unwrap_or_default();
    let account = word(&page.account);
    format!("weir wallet statement {account} --of {}{upto}", account_word(page.of))
}
