//! A small RTMP publisher: plain handshake, `connect`, `createStream`, `publish`, tags. It is the tests' encoder for
//! codecs that ffmpeg 5.1 cannot send, and the load generator of the benches, so sending costs one write per tag.

mod amf;
mod chunk;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;

use self::amf::Value;
use self::chunk::{Message, Reader};
use super::flv::{Tag, TagKind, Tags};

/// One chunk carries almost every frame whole.
const CHUNK_BYTES: usize = 60_000;
/// A handshake or a command on loopback answers in milliseconds.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const HANDSHAKE_BYTES: usize = 1536;

/// Message types (Adobe RTMP 1.0, 5.4 and 7.1).
const SET_CHUNK_SIZE: u8 = 1;
const COMMAND: u8 = 20;

/// Why the server did not let a publisher in, or let it go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) code: String,
    pub(crate) description: String,
}

/// A publisher that was let in.
pub(crate) struct Publisher {
    writer: OwnedWriteHalf,
    /// Reads what the server says until it closes; answers each status.
    listener: JoinHandle<Vec<Status>>,
    stream: u32,
    buffer: Vec<u8>,
}

/// What became of an attempt.
pub(crate) enum Attempt {
    Accepted(Publisher),
    /// The status, or an empty one when the server just closed.
    Refused(Status),
}

impl Attempt {
    /// The publisher; a refusal fails the test.
    pub(crate) fn accepted(self) -> Publisher {
        match self {
            Self::Accepted(publisher) => publisher,
            Self::Refused(status) => panic!("the publisher was refused: {status:?}"),
        }
    }

    /// The refusal; an accepted publisher fails the test.
    pub(crate) fn refused(self) -> Status {
        match self {
            Self::Accepted(_) => panic!("the publisher was accepted"),
            Self::Refused(status) => status,
        }
    }
}

/// Connects and asks to publish.
pub(crate) async fn publish(server: SocketAddr, key: &str) -> Attempt {
    let attempt = tokio::time::timeout(ANSWER_LIMIT, try_publish(server, key)).await;
    match attempt.unwrap_or_else(|_| panic!("no answer within {ANSWER_LIMIT:?}")) {
        Ok(attempt) => attempt,
        Err(_closed) => Attempt::Refused(Status::default()),
    }
}

/// A connected socket after the handshake, for those who want to send something else.
pub(crate) async fn handshaken(server: SocketAddr) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(server).await?;
    socket.set_nodelay(true)?;
    let mut hello = vec![3_u8];
    hello.resize(1 + HANDSHAKE_BYTES, 0);
    socket.write_all(&hello).await?;
    let mut answer = vec![0_u8; 1 + 2 * HANDSHAKE_BYTES];
    socket.read_exact(&mut answer).await?;
    // The peer's own bytes come back to it: that is all a plain handshake checks.
    socket.write_all(&answer[1..=HANDSHAKE_BYTES]).await?;
    Ok(socket)
}

async fn try_publish(server: SocketAddr, key: &str) -> std::io::Result<Attempt> {
    let (read, mut writer) = handshaken(server).await?.into_split();
    let mut reader = Reader::new(read);
    let mut out = Vec::new();
    let size = u32::try_from(CHUNK_BYTES).expect("a chunk size").to_be_bytes();
    // Our own chunks are already of the new size for the message that announces it: it is four bytes long.
    chunk::write(&mut out, 2, SET_CHUNK_SIZE, 0, 0, &size, CHUNK_BYTES);
    command(&mut out, 0, "connect", 1.0, &[connect_object(server)]);
    command(&mut out, 0, "releaseStream", 2.0, &[Value::Null, Value::text(key)]);
    command(&mut out, 0, "FCPublish", 3.0, &[Value::Null, Value::text(key)]);
    command(&mut out, 0, "createStream", 4.0, &[Value::Null]);
    writer.write_all(&out).await?;
    let stream = created_stream(&mut reader).await?;
    out.clear();
    let arguments = [Value::Null, Value::text(key), Value::text("live")];
    command(&mut out, stream, "publish", 5.0, &arguments);
    writer.write_all(&out).await?;
    let status = status(&mut reader).await?;
    if status.code != "NetStream.Publish.Start" {
        return Ok(Attempt::Refused(status));
    }
    #[allow(clippy::disallowed_methods)]
    let listener = tokio::spawn(listen(reader));
    Ok(Attempt::Accepted(Publisher { writer, listener, stream, buffer: Vec::new() }))
}

fn connect_object(server: SocketAddr) -> Value {
    Value::Object(vec![
        ("app".into(), Value::text("live")),
        ("type".into(), Value::text("nonprivate")),
        ("flashVer".into(), Value::text("FMLE/3.0 (weir tests)")),
        ("tcUrl".into(), Value::text(&format!("rtmp://{server}/live"))),
        // Enhanced RTMP v2: it understands a request to reconnect.
        ("capsEx".into(), Value::Number(1.0)),
    ])
}

fn command(out: &mut Vec<u8>, stream: u32, name: &str, transaction: f64, rest: &[Value]) {
    let mut body = Vec::new();
    Value::text(name).write(&mut body);
    Value::Number(transaction).write(&mut body);
    rest.iter().for_each(|value| value.write(&mut body));
    chunk::write(out, 3, COMMAND, stream, 0, &body, CHUNK_BYTES);
}

/// The answer to `createStream`.
async fn created_stream(reader: &mut Reader<OwnedReadHalf>) -> std::io::Result<u32> {
    loop {
        let values = next_command(reader).await?;
        let texts = (values.first().and_then(Value::as_text), values.get(1));
        if let (Some("_result"), Some(Value::Number(4.0))) = texts {
            let id = values.get(3).and_then(Value::as_number).unwrap_or(1.0);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            return Ok(id as u32);
        }
        if let Some("_error") = texts.0 {
            return Err(std::io::Error::other("the server refused a command"));
        }
    }
}

/// The next `onStatus`.
async fn status(reader: &mut Reader<OwnedReadHalf>) -> std::io::Result<Status> {
    loop {
        let values = next_command(reader).await?;
        if values.first().and_then(Value::as_text) == Some("onStatus") {
            let field = |name: &str| {
                let object = values.iter().find_map(|value| value.field(name));
                object.and_then(Value::as_text).unwrap_or_default().to_owned()
            };
            return Ok(Status { code: field("code"), description: field("description") });
        }
    }
}

async fn next_command(reader: &mut Reader<OwnedReadHalf>) -> std::io::Result<Vec<Value>> {
    loop {
        let Message { kind, body } = reader.message().await?;
        if kind == COMMAND {
            return Ok(amf::read_all(&body));
        }
    }
}

async fn listen(mut reader: Reader<OwnedReadHalf>) -> Vec<Status> {
    let mut heard = Vec::new();
    while let Ok(status) = status(&mut reader).await {
        heard.push(status);
    }
    heard
}

impl Publisher {
    /// Sends a tag at `ms` on the connection's own line.
    ///
    /// # Errors
    /// When the server has closed.
    pub(crate) async fn send(&mut self, tag: &Tag, ms: u32) -> std::io::Result<()> {
        self.buffer.clear();
        self.push(tag, ms);
        self.writer.write_all(&self.buffer).await
    }

    /// Sends a clip once, as fast as the server takes it, from `start_ms` on.
    ///
    /// # Errors
    /// When the server has closed.
    pub(crate) async fn send_all(&mut self, tags: &Tags, start_ms: u32) -> std::io::Result<()> {
        for tag in &tags.headers {
            self.send(tag, start_ms).await?;
        }
        for tag in &tags.frames {
            self.send(tag, start_ms.wrapping_add(tag.ms)).await?;
        }
        Ok(())
    }

    /// Sends a clip round after round at the speed of life until the server closes its half.
    pub(crate) async fn play(&mut self, tags: &Tags) -> std::io::Error {
        let start = tokio::time::Instant::now();
        for tag in &tags.headers {
            if let Err(closed) = self.send(tag, 0).await {
                return closed;
            }
        }
        let mut round = 0_u32;
        loop {
            for tag in &tags.frames {
                let ms = round.wrapping_mul(tags.round_ms).wrapping_add(tag.ms);
                tokio::time::sleep_until(start + Duration::from_millis(u64::from(ms))).await;
                if self.is_closed() {
                    return std::io::ErrorKind::ConnectionAborted.into();
                }
                if let Err(closed) = self.send(tag, ms).await {
                    return closed;
                }
            }
            round += 1;
        }
    }

    /// Ends the connection so that nothing sent is lost: no more to say, then wait for the server to close.
    pub(crate) async fn finish(mut self) {
        // The server may have closed already.
        self.writer.shutdown().await.ok();
        self.closed().await;
    }

    /// Waits until the server closes and answers the last thing it said.
    pub(crate) async fn closed(&mut self) -> Status {
        self.heard().await.pop().unwrap_or_default()
    }

    /// Waits until the server closes and answers all that it said.
    pub(crate) async fn heard(&mut self) -> Vec<Status> {
        (&mut self.listener).await.unwrap_or_default()
    }

    /// Whether the server has closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.listener.is_finished()
    }

    fn push(&mut self, tag: &Tag, ms: u32) {
        let channel = match tag.kind {
            TagKind::Audio => 4,
            TagKind::Video => 6,
            TagKind::Script => 5,
        };
        let kind = tag.kind as u8;
        chunk::write(&mut self.buffer, channel, kind, self.stream, ms, &tag.body, CHUNK_BYTES);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::harness::clip;
    use crate::harness::process::Process;
    use crate::harness::wait::eventually;

    /// ffmpeg is a server that shares no code with ours: what it records is what we sent.
    #[tokio::test]
    async fn another_server_records_every_frame_we_send() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record.flv");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("rtmp://127.0.0.1:{port}/live/some-key");
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-y", "-listen", "1", "-i", &url, "-c", "copy"]);
        let mut server = Process::start("ffmpeg as a server", command.arg(&record));
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let limit = Duration::from_secs(10);
        let mut publisher = eventually("the server listens", limit, async || {
            match publish(address, "some-key").await {
                Attempt::Accepted(publisher) => Some(publisher),
                Attempt::Refused(_) => None,
            }
        })
        .await;
        let tags = Tags::of(&clip::LOW_DELAY);
        publisher.send_all(&tags, 0).await.unwrap();
        publisher.finish().await;
        server.wait(limit).await;
        let recorded = Tags::of_file(&record);
        let count = |tags: &Tags, kind| tags.frames.iter().filter(|tag| tag.kind == kind).count();
        for kind in [TagKind::Video, TagKind::Audio] {
            assert_eq!(count(&recorded, kind), count(&tags, kind), "{kind:?}");
        }
    }
}
