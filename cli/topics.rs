//! The page of `weir help topics`.

use weir_client::filter::fields::{self, Fields};

/// Lists, with the fields of their JSON.
const LISTS: [(&str, Fields); 21] = [
    ("stream list", fields::STREAM),
    ("channel list", fields::CHANNEL),
    ("key list", fields::KEY),
    ("viewing list", fields::VIEWING),
    ("account list", fields::ACCOUNT),
    ("token list", fields::TOKEN),
    ("session list", fields::SESSION),
    ("member list", fields::MEMBER),
    ("ticket list", fields::TICKET_EVENT),
    ("audit list", fields::AUDIT_ENTRY),
    ("payout list", fields::PAYOUT),
    ("approval list", fields::APPROVAL),
    ("provider list", fields::PROVIDER),
    ("ledger tail", fields::LEDGER_RECORD),
    ("ledger trial-balance", fields::ACCOUNT_BALANCE),
    ("event list, follow", fields::EVENT),
    ("node list", fields::NODE),
    ("node invites", fields::INVITE),
    ("cluster links", fields::LINK),
    ("cluster replicas", fields::REPLICA),
    ("actor list", fields::LEASE),
];

/// Where the fields of a list begin, and where their lines end.
const COLUMNS: (usize, usize) = (24, 80);

/// Formats, fields, exit codes, filters, event kinds, environment.
pub(crate) fn page() -> String {
    let lists: String = LISTS.iter().map(|(name, fields)| named(name, fields)).collect();
    format!("{FORMATS}\nJSON fields of lists (`a.b` is the part b of a):\n{lists}{REST}")
}

/// The fields of a list beside its name.
fn named(list: &str, fields: Fields) -> String {
    let (begin, end) = COLUMNS;
    let mut text = String::new();
    let mut line = format!("  {list:0$}", begin - 2);
    for field in fields {
        if line.len() + field.name.len() > end {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(begin);
        }
        line.push_str(field.name);
        line.push(' ');
    }
    text + line.trim_end() + "\n"
}

const FORMATS: &str = "\
Examples:
  weir topics
  weir help topics

Formats (-o):
  table   aligned columns on a terminal; tab-separated without a header in a pipe; an absent value is `-`
  json    one JSON value; times are RFC 3339, rates are bits per second, sizes are bytes
  jsonl   one JSON object per line
  Errors go to the standard error stream; with -o json or jsonl as one object
  {code, message, hint, request_id}.
";

const REST: &str = "
  What the other commands answer is described in /v1/openapi.json of the API's address.

Exit codes:
  0  done
  1  failed
  2  wrong usage, or a question that nobody is there to answer (give --yes)
  3  not found
  4  not allowed: no token, a wrong one, or one that may not
  5  conflict: it exists already, or the state forbids it
  6  no answer in time; a change may have been made
  8  unreachable, not ready, or asked too often
  9  cancelled
  10 a check found something that wants attention
  11 a check found something that is broken

Filters (--filter, and / in the console):
  demo              rows with this text, in any case; in quotes when it holds signs: '\"a=b\"'
  !demo             rows without it
  ~ngtrn            rows with a word that has these letters in this order
  re:^night-[0-9]+  rows that fit a regular expression
  bitrate>4M and (viewers<10 or not playable)
                    an expression over the fields of -o json; `codec` is enough for `tracks.codec`
  Signs: == != < <= > >= =~ (fits a regular expression) !~ (does not); and or not, also && || !
  Values: numbers with k, M, G; words; texts in quotes; none.
  Times: a span, since<10m (less than ten minutes ago), expires_at<7d (in less than seven days);
  or an instant, since>2030-01-31T12:00:00Z.
  Of several tracks or findings one must fit. A codec goes by both names: avc1.64001f and h264.
  With a filter, --limit counts the rows that fit.

Event kinds:
  A kind is `noun.verb`. In --kind a `*` stands for any text: --kind 'stream.*', --kind '*.kicked'.
  Each event has a cursor; --since CURSOR goes on after it.
  A `log.gap` event says that events in front of it are no longer kept.

Environment:
  WEIR_ENDPOINT    the node's API; without it the node of this user on this machine is found
  WEIR_TOKEN       the operator's token or one of an account; it is never taken from the command line
  WEIR_TOKEN_FILE  a file that holds the token
  XDG_STATE_HOME, HOME  where the running node left its address

Colour: none is used, so NO_COLOR changes nothing.
";
