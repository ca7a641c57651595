//! Golden tests: help, tables, JSON and exit codes, against a node that answers from a table.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use weir_model::Timestamp;
use weir_model::local::Homes;

use crate::exit::Exit;
use crate::machine::Machine;
use crate::run::run;
use crate::session::Surroundings;

mod answers;
pub(crate) mod cluster;
mod codes;
mod golden;
mod help;
pub(crate) mod ledger;
pub(crate) mod money;
pub(crate) mod people;

/// 2023-11-14T22:13:20Z.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// What a command left behind.
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
    /// Method and path of every request, with its body.
    pub(crate) asked: Vec<String>,
}

/// A stream whose text is read afterwards.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn around(terminal: bool) -> (Surroundings, Buffer, Buffer) {
    let (out, err) = (Buffer::default(), Buffer::default());
    let around = Surroundings {
        token: Some("secret".into()),
        homes: Homes::default(),
        now: || NOW,
        machine: |_| Machine { receive_max: Some(212_992), send_max: Some(8 << 20), disk: None },
        password: |prompt| match prompt {
            None => Ok("correct horse battery".into()),
            Some(_) => unreachable!("nobody is there"),
        },
        random: || Ok(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        terminal,
        asks: false,
        out: Box::new(out.clone()),
        err: Box::new(err.clone()),
    };
    (around, out, err)
}

/// Runs a command line without a node.
pub(crate) async fn alone(line: &str) -> Ran {
    ran(line, None, false).await
}

/// Runs a command line against a node, with its output in a pipe.
pub(crate) async fn piped(line: &str) -> Ran {
    told_by(answers::answer, line).await
}

/// Runs a command line against a node that answers so, with its output in a pipe.
pub(crate) async fn told_by(answer: Answer, line: &str) -> Ran {
    ran(line, Some(node(answer).await), false).await
}

/// Runs a command line against a node, on a terminal.
pub(crate) async fn on_terminal(line: &str) -> Ran {
    ran(line, Some(node(answers::answer).await), true).await
}

type Asked = Arc<Mutex<Vec<String>>>;

/// Status line and body for `METHOD /path?query`.
type Answer = fn(&str) -> (&'static str, String);

async fn ran(line: &str, node: Option<(String, Asked)>, terminal: bool) -> Ran {
    let (mut around, out, err) = around(terminal);
    let mut args: Vec<std::ffi::OsString> = vec!["weir".into()];
    args.extend(line.split_whitespace().map(Into::into));
    if let Some((endpoint, _)) = &node {
        args.extend(["--endpoint".into(), endpoint.into()]);
    }
    let exit = run(args, &mut around).await;
    let asked = node.map(|(_, asked)| asked.lock().unwrap().clone()).unwrap_or_default();
    Ran { exit, out: out.text(), err: err.text(), asked }
}

/// A node that answers so; one request per connection.
async fn node(answer: Answer) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    tokio::runtime::Handle::current().spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (head, body) = request(&mut socket).await;
            let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
            assert!(head.to_lowercase().contains("authorization: bearer secret"), "{head}");
            log.lock().unwrap().push(format!("{line} {body}").trim_end().to_owned());
            let (status, answer) = answer(&line);
            let silent = if line.contains("channel=west") { "x-weir-silent: n7\r\n" } else { "" };
            let answer = format!(
                "HTTP/1.1 {status}\r\n{silent}content-length: {}\r\nconnection: close\r\n\r\n{answer}",
                answer.len()
            );
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (endpoint, asked)
}

async fn request(socket: &mut tokio::net::TcpStream) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    socket.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}
