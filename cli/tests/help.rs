//! The help of every command, in one golden text.

use clap::{Command, CommandFactory};
use weir_client::filter::fields::{self, Field};

use crate::args::Cli;

/// Every command below `command` with its full name.
fn walk(command: &Command, name: &str, visit: &mut impl FnMut(&str, &Command)) {
    visit(name, command);
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        walk(sub, &format!("{name} {}", sub.get_name()), visit);
    }
}

#[test]
fn every_command_has_two_examples_that_are_its_own() {
    walk(&Cli::command(), "weir", &mut |name, command| {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = help.lines().filter(|line| line.starts_with("  weir ")).count();
        let own = help.lines().filter(|line| line.contains(name)).count();
        assert!(examples >= 2 && own >= 1, "{name}: {help}");
    });
}

#[test]
fn the_summary_of_a_noun_lists_its_verbs() {
    for noun in Cli::command().get_subcommands().filter(|noun| noun.has_subcommands()) {
        let about = noun.get_about().map(ToString::to_string).unwrap_or_default();
        let (_, listed) = about.rsplit_once(": ").expect("a list of verbs");
        let verbs: Vec<&str> = noun.get_subcommands().map(Command::get_name).collect();
        assert_eq!(listed, verbs.join(", "), "{}", noun.get_name());
    }
}

#[test]
fn the_topics_list_the_fields_of_every_list_that_can_be_filtered() {
    let page = crate::topics::page();
    let (_, fields) = page.split_once("JSON fields of lists").unwrap();
    let (fields, _) = fields.split_once("Exit codes:").unwrap();
    walk(&Cli::command(), "weir", &mut |name, command| {
        if command.get_arguments().any(|argument| argument.get_id() == "filter") {
            let name =
                name.trim_start_matches("weir ").replace("event follow", "event list, follow");
            assert!(fields.contains(&format!("\n  {name}")), "{name}: {fields}");
        }
    });
    let words: Vec<&str> = fields.split_whitespace().collect();
    let shown = |field: &&Field| words.contains(&field.name);
    for noun in [fields::STREAM, fields::NODE, fields::LINK, fields::LEASE] {
        assert!(noun.iter().all(|field| shown(&field)), "{fields}");
    }
    assert!(fields.lines().all(|line| line.chars().count() <= 90), "{fields}");
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help() {
    let mut text = String::new();
    let mut root = Cli::command().term_width(100);
    root.build();
    walk(&root, "weir", &mut |name, command| {
        let help = command.clone().term_width(100).render_help().to_string();
        // The options of every command are the same everywhere; once is enough.
        let help = match help.split_once("Options of every command:") {
            Some((before, after)) if name != "weir" => {
                let rest = after.split_once("\n\n").map_or("", |(_, rest)| rest);
                format!("{before}{rest}")
            }
            _ => help,
        };
        text.push_str(&format!("=== {name}\n{help}\n"));
    });
    insta::assert_snapshot!(text);
}
