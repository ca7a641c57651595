//! The files of the house, read once, and the token view in which rules look for calls.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use proc_macro2::{TokenStream, TokenTree};

/// Folders that hold what was made or fetched, for a tree that is not a git clone.
const MADE: [&str; 6] = [".git", ".weir", "dist", "node_modules", "target", "test-results"];

/// A text file of the house.
pub(crate) struct Source {
    /// From the root of the clone, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// A token and where it stands. Literals have an empty text: nobody calls what stands in a string.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Source {
    /// For planted violations.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The syntax tree of a Rust file.
    pub(crate) fn syntax(&self) -> syn::File {
        syn::parse_file(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    /// The tokens of a Rust file, comments gone, brackets in place.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        tokens_of(&self.text)
    }

    /// Lines that are neither empty nor a comment.
    pub(crate) fn code_lines(&self) -> usize {
        let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//");
        self.text.lines().map(str::trim).filter(is_code).count()
    }
}

/// The tokens of a piece of Rust.
pub(crate) fn tokens_of(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    flatten(text.parse().expect("Rust tokens"), &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        let mut push = |text: String| out.push(Token { text, line });
        match tree {
            TokenTree::Ident(ident) => push(ident.to_string()),
            TokenTree::Punct(punct) => push(punct.as_char().to_string()),
            TokenTree::Literal(_) => push(String::new()),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Brace => ("{", "}"),
                    proc_macro2::Delimiter::Bracket => ("[", "]"),
                    proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                    proc_macro2::Delimiter::None => ("", ""),
                };
                push(open.into());
                flatten(group.stream(), out);
                out.push(Token { text: close.into(), line: group.span_close().start().line });
            }
        }
    }
}

/// Every text file that git knows or would add, in order.
pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut paths = listed_by_git(root).unwrap_or_else(|| walked(root, root));
        paths.sort();
        let read = |path: String| {
            // A picture is no text, and a file may be deleted but not yet committed.
            let text = std::fs::read_to_string(root.join(&path)).ok()?;
            Some(Source { path, text })
        };
        paths.into_iter().filter_map(read).collect()
    })
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let answer = Command::new("git").arg("-C").arg(root).args(list).output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    (answer.status.success() && !text.is_empty()).then(|| text.lines().map(str::to_owned).collect())
}

fn walked(root: &Path, folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder of the clone");
    let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    let made = |path: &PathBuf| MADE.iter().any(|name| path.ends_with(name));
    let visit = |path: PathBuf| {
        if path.is_dir() {
            return walked(root, &path);
        }
        vec![path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned()]
    };
    paths.into_iter().filter(|path| !made(path)).flat_map(visit).collect()
}

#[test]
fn the_list_of_files_is_the_same_without_git() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let walked = walked(root, root);
    for must in ["Cargo.toml", "src/lib.rs", "tests/tidy.rs", "scripts/up"] {
        assert!(walked.iter().any(|path| path == must), "{must} was not walked");
        assert!(sources().iter().any(|one| one.path == must), "{must} was not listed");
    }
}

#[test]
fn strings_and_comments_hold_no_tokens() {
    let words = |text: &str| tokens_of(text).into_iter().map(|one| one.text).collect::<Vec<_>>();
    assert_eq!(words("a::b(\"todo!\") // dbg!"), ["a", ":", ":", "b", "(", "", ")"]);
}
