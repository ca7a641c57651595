//! Console and command line side by side: whatever the console does has a command line that the real parser takes, and
//! every example that help or console show can be typed as it stands.

use clap::Command;
use weir_model::charge::LedgerId;
use weir_model::cluster::NodeChange;
use weir_model::money::PersonalAccount;
use weir_model::{ChannelName, KeyId, SessionId, ViewingId};
use weir_tui::act::Act;
use weir_tui::act::money::Deed;
use weir_tui::app::App;
use weir_tui::keymap::{BINDINGS, Command as Key};
use weir_tui::prompt::VERBS;
use weir_tui::state::nav::{MoneyPage, Pane, TOP, View, WalletPage};
use weir_tui::theme::Theme;
use weir_tui::view;

/// A line as a POSIX shell splits it: words, and a list of them per command of a pipe or list. Redirections end one.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                word.extend(chars.by_ref().take_while(|inside| *inside != c));
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            ' ' => words.extend(word.take()),
            '|' | '&' | '>' | ';' | '#' => {
                words.extend(word.take());
                all.push(std::mem::take(&mut words));
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    all.push(words);
    all.retain(|words| !words.is_empty());
    all
}

/// Whether the parser takes every `weir …` of a line; the complaint when it does not.
fn parses(line: &str) -> Result<(), String> {
    let ours = commands(line).into_iter().filter(|words| words[0] == "weir");
    let parsed: Vec<_> =
        ours.map(|words| weir_cli::command().try_get_matches_from(words)).collect();
    if parsed.is_empty() {
        return Err(format!("`{line}` is no line of weir"));
    }
    for one in parsed {
        match one {
            // Help is what was asked for.
            Err(error) if error.use_stderr() => return Err(format!("`{line}`: {error}")),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn all_parse(lines: impl IntoIterator<Item = String>) {
    let wrong: Vec<_> = lines.into_iter().filter_map(|line| parses(&line).err()).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_key_that_asks_or_changes_the_node_has_its_command_line() {
    all_parse(BINDINGS.iter().flat_map(|b| b.command.shell()).map(ToString::to_string));
    // What has none must be a step on the screen; the list is short and known.
    let local = BINDINGS.iter().filter(|b| b.command.shell().is_empty());
    for binding in local {
        let steps = matches!(
            binding.command,
            Key::Down
                | Key::Up
                | Key::First
                | Key::LastRow
                | Key::HalfDown
                | Key::HalfUp
                | Key::PageDown
                | Key::PageUp
                | Key::Freeze
                | Key::Back
                | Key::LastView
                | Key::Previous
                | Key::Forward
                | Key::Log
                | Key::Copy
                | Key::Prompt
                | Key::Quit
                | Key::Redraw
        );
        assert!(steps, "`{}` ({}) names no command line", binding.keys, binding.help);
    }
}

fn money(deed: Deed, reason: &str) -> Act {
    Act::Money { deed, once: LedgerId::new(7).unwrap(), reason: reason.to_owned() }
}

#[test]
fn every_act_is_logged_as_a_line_that_can_be_typed() {
    let channel: ChannelName = "demo".parse().unwrap();
    let charge = "tip:0123456789abcdef0123456789abcdef".parse().unwrap();
    let reason = "it's \"too\" loud; $(rm) | x".to_owned();
    let acts = [
        Act::KickStream { channel: channel.clone(), reason: reason.clone() },
        Act::KickViewing { id: ViewingId(7), reason: reason.clone() },
        Act::EndSession { id: SessionId(1), reason: reason.clone() },
        money(Deed::Credit { account: "it's".into(), amount: "5.00".into() }, &reason),
        money(
            Deed::Stand { account: "fan".into(), of: PersonalAccount::Payable, frozen: true },
            &reason,
        ),
        money(
            Deed::Stand { account: "fan".into(), of: PersonalAccount::Wallet, frozen: false },
            &reason,
        ),
        money(Deed::Refund { charge, amount: Some("2.50".into()) }, &reason),
        money(Deed::Refund { charge, amount: None }, &reason),
        money(Deed::Payout { id: LedgerId::new(9).unwrap(), arrived: true }, &reason),
        money(Deed::Payout { id: LedgerId::new(9).unwrap(), arrived: false }, &reason),
        Act::RevokeKey { channel, key: KeyId(1) },
        Act::ChangeNode {
            node: "-edge 2".into(),
            change: NodeChange::Drain,
            reason: reason.clone(),
        },
        Act::Rebalance { reason },
    ];
    for act in &acts {
        // A new act must be added above, too.
        let told = match act {
            Act::KickStream { reason, .. }
            | Act::KickViewing { reason, .. }
            | Act::ChangeNode { reason, .. }
            | Act::EndSession { reason, .. }
            | Act::Money { reason, .. }
            | Act::Rebalance { reason } => Some(reason),
            Act::RevokeKey { .. } => None,
        };
        let words = commands(&act.cli()).remove(0);
        let matches = weir_cli::command().try_get_matches_from(words).unwrap();
        let (_, noun) = matches.subcommand().unwrap();
        // `weir refund` has no verb of its own.
        let verb = noun.subcommand().map_or(noun, |(_, verb)| verb);
        assert_eq!(verb.get_one::<String>("reason"), told);
    }
    all_parse(acts.iter().map(Act::cli));
}

#[test]
fn every_command_of_the_prompt_is_one_of_the_command_line() {
    let root = weir_cli::command();
    for (noun, verb) in VERBS {
        let known = root.find_subcommand(noun).and_then(|noun| noun.find_subcommand(verb));
        assert!(known.is_some(), "weir {noun} {verb}");
    }
}

#[test]
fn every_page_names_the_line_that_prints_it_with_its_filter() {
    let channel: ChannelName = "demo".parse().unwrap();
    let mut pages: Vec<View> = TOP.iter().map(|top| top.0.clone()).collect();
    pages.extend([View::Stream(channel.clone()), View::Channel(channel)]);
    let behind = WalletPage { account: "fan".into(), of: PersonalAccount::Payable, upto: Some(7) };
    let about = [
        MoneyPage::Session(SessionId(1)),
        MoneyPage::People(Some("fan".parse().unwrap())),
        MoneyPage::Wallet(WalletPage::of("it's")),
        MoneyPage::Wallet(behind),
        MoneyPage::Record(4),
        MoneyPage::Ledger(Some(7)),
        MoneyPage::Audit(Some(7)),
    ];
    pages.extend(about.map(View::Money));
    let mut lines = Vec::new();
    for page in pages {
        for pane in [Pane::Overview, Pane::Viewers, Pane::Events, Pane::Explain] {
            for filter in ["", "it's", "!demo", "~dm", "re:^a|b", "channel==\"demo\""] {
                let mut app = App::new(Theme::plain());
                app.begin(page.clone(), "").unwrap();
                app.state.pane = pane;
                // A filter over fields that this page has not is refused, and then not part of the line.
                let _ = app.state.set_filter(filter);
                match view::shell(&app.state) {
                    Some(line) => lines.push(line),
                    None => assert_eq!(page, View::Log),
                }
            }
        }
    }
    assert!(lines.iter().any(|line| line == r"weir stream list --filter 'it'\''s'"));
    all_parse(lines);
}

/// Every command below `command` with its full name.
fn walk(command: &Command, name: &str, visit: &mut impl FnMut(&str, &Command)) {
    visit(name, command);
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        walk(sub, &format!("{name} {}", sub.get_name()), visit);
    }
}

#[test]
fn every_command_shows_two_examples_and_each_can_be_typed() {
    let mut lines = Vec::new();
    walk(&weir_cli::command(), "weir", &mut |name, command| {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = help.lines().filter(|line| line.starts_with("  weir "));
        let before = lines.len();
        lines.extend(examples.map(|line| line.trim().to_owned()));
        assert!(lines.len() >= before + 2, "`{name}` shows fewer than two examples");
    });
    all_parse(lines);
}

#[test]
fn every_line_of_the_readme_can_be_typed() {
    let readme = include_str!("../README.md");
    let typed = readme.lines().filter(|line| line.starts_with("weir "));
    let lines: Vec<_> = typed.map(|line| line.replace("CHANNEL", "demo")).collect();
    assert!(lines.len() >= 5, "{lines:?}");
    all_parse(lines);
}

#[test]
fn a_line_that_the_parser_refuses_is_found() {
    for wrong in [
        "weir stream kik demo",
        "weir stream list --filter 'bitrat>4M'",
        "weir status | weir nonsense",
        "weirdo status",
    ] {
        assert!(parses(wrong).is_err(), "{wrong}");
    }
    assert_eq!(commands("a 'b c'\\''d' | e"), [vec!["a", "b c'd"], vec!["e"]]);
}
