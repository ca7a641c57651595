//! What a running command holds: the connection, the view, the streams, and leave to change things.

use std::io::{self, Write};
use std::path::Path;

use weir_client::discover::{Wanted, discover, local};
use weir_client::{Client, ClientError};
use weir_model::api::Mutation;
use weir_model::charge::LedgerId;
use weir_model::local::Homes;
use weir_model::{Secret, Timestamp};

use crate::args::Global;
use crate::exit::{Exit, Failure};
use crate::machine::Machine;
use crate::output::{Format, View};

/// All that a command gets from outside, beside its arguments.
pub struct Surroundings {
    /// The operator's token, when the environment holds one.
    pub token: Option<String>,
    /// Where the local node may have left its address.
    pub homes: Homes,
    /// The wall clock.
    pub now: fn() -> Timestamp,
    /// What can be learned of the machine itself; given the local node's data directory.
    pub machine: fn(Option<&Path>) -> Machine,
    /// Reads a password: hidden after a prompt, or from the standard input when there is none.
    pub password: fn(Option<&str>) -> io::Result<String>,
    /// 128 random bits, for ids.
    pub random: fn() -> io::Result<u128>,
    /// The output goes to a terminal.
    pub terminal: bool,
    /// Somebody is there to answer a question.
    pub asks: bool,
    /// For what was asked for.
    pub out: Box<dyn Write + Send>,
    /// For all else.
    pub err: Box<dyn Write + Send>,
}

/// What a verb answers.
pub(crate) type Done = Result<(), Failure>;

/// A running command.
pub(crate) struct Session<'a> {
    pub(crate) client: Client,
    pub(crate) view: View,
    global: Global,
    around: &'a mut Surroundings,
}

impl<'a> Session<'a> {
    /// Finds the node; does not connect yet.
    pub(crate) fn new(global: Global, around: &'a mut Surroundings) -> Result<Self, Failure> {
        let client = client(&global, around)?;
        let view = View { format: global.output, terminal: around.terminal, now: (around.now)() };
        Ok(Self { client, view, global, around })
    }

    /// The wall clock; a command that goes on for hours cannot use the time of its start.
    pub(crate) fn now(&self) -> Timestamp {
        (self.around.now)()
    }

    /// What can be learned of this machine, with the data directory when the asked node runs on it.
    pub(crate) fn machine(&self) -> Machine {
        let here = local(&self.around.homes, self.client.endpoint());
        (self.around.machine)(here.as_ref().map(|node| node.data.as_path()))
    }

    /// Prints what was asked for, and names the nodes that it may lack something of.
    pub(crate) fn print(&mut self, text: &str) -> Done {
        print(&mut self.around.out, text)?;
        let silent = self.client.take_silent();
        if !silent.is_empty() {
            let _ = writeln!(
                self.around.err,
                "no answer from {}: what is there may be missing",
                silent.join(", ")
            );
        }
        Ok(())
    }

    /// Says something beside the answer to a person; programs that read JSON need no small talk.
    pub(crate) fn say(&mut self, text: &str) {
        if self.global.output == Format::Table {
            let _ = writeln!(self.around.err, "{text}");
        }
    }

    /// The parameters of a change.
    pub(crate) fn mutation(&self) -> Mutation {
        Mutation { dry_run: self.global.dry_run, reason: self.global.reason.clone() }
    }

    /// An id that nothing else has.
    pub(crate) fn new_id(&self) -> Result<LedgerId, Failure> {
        let none = || Failure::new(Exit::Failed, "the system gives no random numbers");
        (self.around.random)().ok().and_then(LedgerId::new).ok_or_else(none)
    }

    /// Whether changes are only tried.
    pub(crate) fn dry_run(&self) -> bool {
        self.global.dry_run
    }

    /// Whether [`Self::confirm`] will ask.
    pub(crate) fn will_ask(&self) -> bool {
        self.around.asks && !self.global.yes && !self.global.dry_run
    }

    /// A new password: from the standard input, or typed twice by somebody who is there.
    pub(crate) async fn new_password(&self, from_stdin: bool) -> Result<Secret, Failure> {
        if from_stdin {
            return self.password(None).await;
        }
        if !self.around.asks {
            let message = "a password is needed, and nobody is there to type it";
            return Err(Failure::new(Exit::Usage, message)
                .hint("give it to the standard input, with --password-stdin"));
        }
        let first = self.password(Some("New password: ")).await?;
        if first != self.password(Some("The same again: ")).await? {
            return Err(Failure::new(Exit::Usage, "these were two passwords; nothing was changed"));
        }
        Ok(first)
    }

    async fn password(&self, prompt: Option<&'static str>) -> Result<Secret, Failure> {
        let read = self.around.password;
        // Another thread waits for it, so that Ctrl-C still works.
        let read = tokio::task::spawn_blocking(move || read(prompt)).await;
        let unread =
            |error: String| Failure::new(Exit::Failed, format!("no password was read: {error}"));
        let text = read.map_err(|error| unread(error.to_string()))?;
        let text = text.map_err(|error| unread(error.to_string()))?;
        if text.is_empty() {
            return Err(Failure::new(Exit::Usage, "the password is empty; nothing was changed"));
        }
        Ok(Secret::new(text))
    }

    /// Asks before a change that cannot be undone.
    pub(crate) async fn confirm(&mut self, question: &str) -> Done {
        if self.global.yes || self.global.dry_run {
            return Ok(());
        }
        if !self.around.asks {
            return Err(Failure::new(Exit::Usage, format!("{question} Nobody is there to ask"))
                .hint("give --yes to do it, or --dry-run to see what would be done"));
        }
        let _ = write!(self.around.err, "{question} [y/N] ");
        let _ = self.around.err.flush();
        match line().await.as_deref().map(str::trim) {
            Ok("y" | "Y" | "yes") => Ok(()),
            _ => Err(Failure::new(Exit::Cancelled, "cancelled; nothing was changed")),
        }
    }
}

/// Prints to `out`. A reader that has seen enough (`| head`) is no error, but the command is over.
pub(crate) fn print(out: &mut dyn Write, text: &str) -> Done {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Ok, String::new()))
        }
        Err(error) => Err(Failure::new(Exit::Failed, format!("cannot write: {error}"))),
    }
}

fn client(global: &Global, around: &Surroundings) -> Result<Client, Failure> {
    let found = discover(&Wanted {
        endpoint: global.endpoint.clone(),
        token: around.token.clone(),
        token_file: global.token_file.clone(),
        homes: around.homes.clone(),
    })?;
    let client: Result<Client, ClientError> = Client::new(&found.endpoint, found.token);
    Ok(client?.timeout(global.timeout))
}

/// A line that somebody types; another thread waits for it, so that Ctrl-C still works.
async fn line() -> io::Result<String> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    read.await.unwrap_or_else(|_| Ok(String::new()))
}
