//! RTMP chunks (Adobe RTMP 1.0, 5.3), from the publisher's side.

use std::collections::HashMap;

use tokio::io::{AsyncRead, AsyncReadExt, BufReader};

/// What a peer's chunks hold before it says otherwise.
const CHUNK_BYTES_AT_FIRST: usize = 128;
const SET_CHUNK_SIZE: u8 = 1;
/// From here on the time stands in four more bytes.
const TIME_EXTENDED: u32 = 0xff_ffff;

/// A whole message.
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) body: Vec<u8>,
}

/// Appends a message in chunks of `size` bytes; the first has a full header, so that nothing depends on what went before.
pub(crate) fn write(
    out: &mut Vec<u8>,
    channel: u8,
    kind: u8,
    stream: u32,
    ms: u32,
    body: &[u8],
    size: usize,
) {
    let extended = ms >= TIME_EXTENDED;
    let time = if extended { TIME_EXTENDED } else { ms }.to_be_bytes();
    let length = u32::try_from(body.len()).expect("a message length").to_be_bytes();
    out.push(channel);
    out.extend(&time[1..]);
    out.extend(&length[1..]);
    out.push(kind);
    out.extend(stream.to_le_bytes());
    for (index, piece) in body.chunks(size).enumerate() {
        if index > 0 {
            out.push(0xc0 | channel);
        }
        if extended {
            out.extend(ms.to_be_bytes());
        }
        out.extend(piece);
    }
}

/// Puts a server's messages together.
pub(crate) struct Reader<R> {
    input: BufReader<R>,
    chunk_bytes: usize,
    channels: HashMap<u8, Channel>,
}

#[derive(Default)]
struct Channel {
    kind: u8,
    length: usize,
    extended: bool,
    body: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input: BufReader::new(input),
            chunk_bytes: CHUNK_BYTES_AT_FIRST,
            channels: HashMap::new(),
        }
    }

    /// The next message; a new chunk size is obeyed and passed on.
    pub(crate) async fn message(&mut self) -> std::io::Result<Message> {
        loop {
            let Some(message) = self.chunk().await? else { continue };
            if message.kind == SET_CHUNK_SIZE && message.body.len() == 4 {
                let size = message.body.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                self.chunk_bytes = size.max(1);
            }
            return Ok(message);
        }
    }

    async fn chunk(&mut self) -> std::io::Result<Option<Message>> {
        let basic = self.input.read_u8().await?;
        // Servers answer on channels 2 to 63; a longer header would be a different test.
        let (format, id) = (basic >> 6, basic & 0x3f);
        let mut header = [0_u8; 11];
        let header = &mut header[..[11, 7, 3, 0][usize::from(format)]];
        self.input.read_exact(header).await?;
        let channel = self.channels.entry(id).or_default();
        if format < 3 {
            channel.extended = header[..3] == [0xff; 3];
        }
        if format < 2 {
            channel.length = header[3..6].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            channel.kind = header[6];
        }
        if channel.extended {
            self.input.read_u32().await?;
        }
        let from = channel.body.len();
        let take = self.chunk_bytes.min(channel.length - from);
        channel.body.resize(from + take, 0);
        self.input.read_exact(&mut channel.body[from..]).await?;
        if channel.body.len() < channel.length {
            return Ok(None);
        }
        Ok(Some(Message { kind: channel.kind, body: std::mem::take(&mut channel.body) }))
    }
}

#[tokio::test]
async fn what_is_written_is_read() {
    for (size, ms) in [(128, 0), (128, 0x0100_0000), (7, TIME_EXTENDED)] {
        let body: Vec<u8> = (0..=255).collect();
        let mut data = Vec::new();
        let announced = u32::try_from(size).unwrap().to_be_bytes();
        write(&mut data, 2, SET_CHUNK_SIZE, 0, 0, &announced, size);
        write(&mut data, 6, 9, 1, ms, &body, size);
        write(&mut data, 6, 8, 1, ms, &body[..1], size);
        let mut reader = Reader::new(data.as_slice());
        let (first, second) = (reader.message().await.unwrap(), reader.message().await.unwrap());
        assert_eq!((first.kind, second.kind), (SET_CHUNK_SIZE, 9));
        assert_eq!(second.body, body);
        assert_eq!(reader.message().await.unwrap().body, body[..1]);
    }
}
