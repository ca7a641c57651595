//! The help of every command, in one golden text.

use clap::{Command, CommandFactory};

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
