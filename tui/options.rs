//! Arguments and environment, read once.

use std::path::PathBuf;

use clap::Parser;
use weir_client::discover::Wanted;
use weir_model::local::Homes;

use crate::conn::client::Live;
use crate::run::Failure;
use crate::state::nav::{ALIASES, MoneyPage, TOP, View, WalletPage};
use crate::theme::{Terminal, Theme};

/// The size of one frame when the environment does not say: the smallest terminal the pages are made for.
const STILL: (u16, u16) = (80, 24);
/// The largest frame; a size beyond it is a typing mistake.
const STILL_MAX: u16 = 1000;

/// The operators' console of Weir.
// No `Debug`: it would print the token.
#[derive(Clone, Default, Parser)]
#[command(
    version,
    about,
    after_help = "Examples:\n  weir-tui\n  weir-tui --endpoint http://10.0.0.5:7070 --token-file ./operator.token\n  \
                  weir-tui --filter 'health>=warning'\n  weir-tui --view node --once\n\nKeys: ? inside the console lists those of the open page."
)]
pub struct Options {
    /// The node's API address.
    #[arg(long, env = "WEIR_ENDPOINT", value_name = "URL")]
    pub endpoint: Option<String>,
    /// File that holds the API token; a node on this machine is found without it.
    #[arg(long, env = "WEIR_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Filter of the first page: a text, or an expression like 'bitrate>4M and viewers<10'.
    #[arg(long, default_value = "", value_name = "EXPR")]
    pub filter: String,
    /// First page.
    #[arg(long, default_value = "streams", value_name = "NAME", help = format!("First page: {}", pages()))]
    pub view: String,
    /// Draw with ASCII characters only.
    #[arg(long)]
    pub ascii: bool,
    /// No colour; also when NO_COLOR is set.
    #[arg(long)]
    pub no_color: bool,
    /// Print one frame as text and end.
    #[arg(long)]
    pub once: bool,
    /// Write one frame as SVG and end.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write what the node answered as JSON, for --replay, and end.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Show a recorded node instead of a live one.
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    #[arg(skip)]
    environment: Environment,
    #[arg(skip)]
    ids: u128,
}

/// What only the environment says.
#[derive(Clone, Default)]
struct Environment {
    // The token has no option of its own: arguments are seen by every user of the machine.
    token: String,
    no_color: String,
    term: String,
    colorterm: String,
    locale: String,
    columns: String,
    lines: String,
    home: String,
    data_home: String,
    state_home: String,
}

impl Options {
    /// Takes in the environment; `read` answers with a variable's value, empty when it is not set.
    #[must_use]
    pub fn with_environment(mut self, read: impl Fn(&str) -> String) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(&read);
        self.environment = Environment {
            token: read("WEIR_TOKEN"),
            no_color: read("NO_COLOR"),
            term: read("TERM"),
            colorterm: read("COLORTERM"),
            locale: locale.into_iter().find(|value| !value.is_empty()).unwrap_or_default(),
            columns: read("COLUMNS"),
            lines: read("LINES"),
            home: read("HOME"),
            data_home: read("XDG_DATA_HOME"),
            state_home: read("XDG_STATE_HOME"),
        };
        self
    }

    /// Takes in the first of the ids under which money is moved: nothing else may have it or one of those behind it.
    #[must_use]
    pub fn with_ids_from(mut self, first: Option<u128>) -> Self {
        self.ids = first.unwrap_or_default();
        self
    }

    /// The first id under which money is moved; 0 when there is none.
    #[must_use]
    pub const fn ids(&self) -> u128 {
        self.ids
    }

    /// The looks for the terminal at hand.
    #[must_use]
    pub fn theme(&self) -> Theme {
        let env = &self.environment;
        // The C locale says nothing about the terminal of today.
        let locale = Some(&env.locale).filter(|l| *l != "C" && *l != "POSIX");
        Theme::detect(&Terminal {
            no_color: self.no_color || !env.no_color.is_empty(),
            term: env.term.clone(),
            colorterm: env.colorterm.clone(),
            locale: locale.cloned().unwrap_or_default(),
            ascii: self.ascii,
        })
    }

    /// The first page.
    ///
    /// # Errors
    /// There is no such page.
    pub fn page(&self) -> Result<View, Failure> {
        let unknown = || Failure::Usage(format!("--view {}: use one of {}", self.view, pages()));
        match self.view.split_once('/') {
            Some(("stream", name)) => name.parse().map(View::Stream).map_err(|_| unknown()),
            Some(("session", id)) => {
                id.parse().map(|id| View::Money(MoneyPage::Session(id))).map_err(|_| unknown())
            }
            Some(("wallet", name)) if !name.is_empty() => {
                Ok(View::Money(MoneyPage::Wallet(WalletPage::of(name))))
            }
            Some(("channel", name)) => name.parse().map(View::Channel).map_err(|_| unknown()),
            Some(_) => Err(unknown()),
            None => View::named(&self.view).ok_or_else(unknown),
        }
    }

    /// Columns and lines of one frame.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        let read = |value: &str, default| value.parse().ok().filter(|n| *n > 0).unwrap_or(default);
        let (columns, lines) = (&self.environment.columns, &self.environment.lines);
        (read(columns, STILL.0).min(STILL_MAX), read(lines, STILL.1).min(STILL_MAX))
    }

    /// The live node: the one that is named, else this user's node on this machine.
    ///
    /// # Errors
    /// There is none, or its token cannot be read.
    pub fn client(&self) -> Result<Live, Failure> {
        let env = &self.environment;
        let path = |text: &String| (!text.is_empty()).then(|| PathBuf::from(text));
        let wanted = Wanted {
            endpoint: self.endpoint.clone(),
            token: (!env.token.is_empty()).then(|| env.token.clone()),
            token_file: self.token_file.clone(),
            homes: Homes {
                home: path(&env.home),
                data_home: path(&env.data_home),
                state_home: path(&env.state_home),
            },
        };
        Live::new(&wanted).map_err(Failure::Usage)
    }
}

/// What `--view` takes.
fn pages() -> String {
    let mut names: Vec<_> = TOP.iter().map(|(_, name, _, _)| *name).collect();
    names.extend(ALIASES.iter().map(|(name, _)| *name));
    names.extend(["stream/CHANNEL", "channel/CHANNEL", "session/ID", "wallet/ACCOUNT"]);
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use weir_model::SessionId;

    use super::*;
    use crate::theme::Depth;

    fn options(args: &[&str]) -> Options {
        let parsed = Options::try_parse_from([&["weir-tui"], args].concat());
        parsed.unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn pages_are_named_as_in_the_prompt() {
        assert_eq!(options(&["--view", "nd"]).page().unwrap(), View::Node);
        let stream = options(&["--view", "stream/demo"]).page().unwrap();
        assert_eq!(stream, View::Stream("demo".parse().unwrap()));
        for wrong in ["what", "stream/../x", "x/demo", "session/7", "wallet/"] {
            assert_eq!(options(&["--view", wrong]).page().unwrap_err().code(), 2, "{wrong}");
        }
    }

    #[test]
    fn the_help_lists_every_page() {
        let help = Options::command().term_width(10_000).render_help().to_string();
        let (_, listed) = help.split_once("First page: ").unwrap();
        let (listed, _) = listed.split_once(" [default").unwrap();
        let listed: Vec<View> = listed
            .split(", ")
            .map(|name| name.replace("CHANNEL", "demo").replace("ID", "ses_0000000000000001"))
            .map(|name| options(&["--view", &name]).page().unwrap())
            .collect();
        let mut all: Vec<View> = TOP.iter().map(|(page, ..)| page.clone()).collect();
        all.extend(ALIASES.map(|(_, page)| page));
        let demo = || "demo".parse().unwrap();
        all.extend([View::Stream(demo()), View::Channel(demo())]);
        let wallet = MoneyPage::Wallet(WalletPage::of("ACCOUNT"));
        all.extend([MoneyPage::Session(SessionId(1)), wallet].map(View::Money));
        assert_eq!(listed, all);
    }

    fn with(name: &'static str, value: &'static str) -> Options {
        let read = |asked: &str| if asked == name { value.into() } else { String::new() };
        options(&[]).with_environment(read)
    }

    #[test]
    fn a_frame_has_a_sane_size_whatever_the_environment_says() {
        for (columns, expected) in [("120", 120), ("0", 80), ("x", 80), ("60000", STILL_MAX)] {
            assert_eq!(with("COLUMNS", columns).size(), (expected, 24));
        }
    }

    #[test]
    fn no_color_by_option_or_environment_means_no_colour() {
        assert_eq!(options(&["--no-color"]).theme().depth, Depth::Plain);
        assert_eq!(with("NO_COLOR", "1").theme().depth, Depth::Plain);
        assert_ne!(with("NO_COLOR", "").theme().depth, Depth::Plain);
    }

    #[test]
    fn only_a_locale_that_names_another_character_set_means_ascii() {
        assert!(with("LANG", "de_DE.ISO-8859-1").theme().ascii);
        assert!(!with("LANG", "C").theme().ascii);
        assert!(!with("LC_ALL", "C.UTF-8").theme().ascii);
    }
}
