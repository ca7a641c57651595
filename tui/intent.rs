//! What a key means on the open page. Views and the prompt answer with intents; only `app` carries them out.

use crate::act::money::Wish;
use crate::state::confirm::Confirm;
use crate::state::list::Move;
use crate::state::nav::View;

/// Something the operator wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// Nothing: the key has no meaning here.
    None,
    /// Close, or leave the page.
    Back,
    /// Ask before an act.
    Ask(Box<Confirm>),
    /// Put a text into the terminal's clipboard.
    Copy(String),
    /// Choose columns.
    Columns,
    /// Type a filter.
    EditFilter,
    /// Go again where one came back from.
    Forward,
    /// Stop or continue to show updates.
    Freeze,
    /// Show the keys.
    Help,
    /// Swap with the page before.
    Last,
    /// Move the cursor.
    Move(Move),
    /// Open a page.
    Open(View),
    /// The next part of the page.
    Pane,
    /// Type a command.
    Prompt,
    /// Leave the console.
    Quit,
    /// Go back in the history.
    Previous,
    /// Draw everything anew.
    Redraw,
    /// Look at the node now.
    Refresh,
    /// Turn the order round.
    Reverse,
    /// Sort by the next column.
    Sort,
    /// Open a page in place of this one.
    Swap(View),
    /// Say something.
    Tell(String),
    /// Ask the node what something would do, and then about it; the reason is known already, or empty.
    Try(Wish, String),
    /// Show or hide the extra columns.
    Wide,
}
