//! What tests say in place of an encoder: chunks, AMF0 and whole openings, written by hand.

use super::message::Message;
use super::wire::Wire;

/// A chunk with a header of type 0.
pub(super) fn full(csid: u32, timestamp: u32, kind: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let mut out = basic(0, csid);
    out.extend(u24(timestamp.min(0x00FF_FFFF)));
    out.extend(u24(u32::try_from(body.len()).unwrap()));
    out.push(kind);
    out.extend(stream.to_le_bytes());
    if timestamp >= 0x00FF_FFFF {
        out.extend(timestamp.to_be_bytes());
    }
    out.extend(body);
    out
}

/// A basic header.
pub(super) fn basic(format: u8, csid: u32) -> Vec<u8> {
    let bits = format << 6;
    match csid {
        2..64 => vec![bits | u8::try_from(csid).unwrap()],
        64..320 => vec![bits, u8::try_from(csid - 64).unwrap()],
        _ => {
            let [low, high, ..] = (csid - 64).to_le_bytes();
            vec![bits | 1, low, high]
        }
    }
}

/// Three bytes, big endian.
pub(super) fn u24(value: u32) -> [u8; 3] {
    let [_, a, b, c] = value.to_be_bytes();
    [a, b, c]
}

/// A message as chunks of `size`, the first with a full header.
pub(super) fn chunked(message: &Message, csid: u32, size: usize) -> Vec<u8> {
    let Message { kind, stream, timestamp, body } = message;
    let mut pieces = body.chunks(size);
    let first = pieces.next().unwrap_or_default();
    let mut out = full(csid, *timestamp, *kind, *stream, first);
    // The length of the whole message in place of that of its first chunk.
    let at = basic(0, csid).len() + 3;
    out[at..at + 3].copy_from_slice(&u24(u32::try_from(body.len()).unwrap()));
    for piece in pieces {
        out.extend(basic(3, csid));
        if *timestamp >= 0x00FF_FFFF {
            out.extend(timestamp.to_be_bytes());
        }
        out.extend(piece);
    }
    out
}

/// AMF0 of a few kinds.
pub(super) enum Amf<'a> {
    Text(&'a str),
    Number(f64),
    Null,
    Object(&'a [(&'a str, Self)]),
}

/// AMF0 bytes.
pub(super) fn amf(values: &[Amf<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        match value {
            Amf::Text(text) => {
                out.push(2);
                short(&mut out, text);
            }
            Amf::Number(number) => {
                out.push(0);
                out.extend(number.to_be_bytes());
            }
            Amf::Null => out.push(5),
            Amf::Object(properties) => {
                out.push(3);
                for (name, value) in *properties {
                    short(&mut out, name);
                    out.extend(amf(std::slice::from_ref(value)));
                }
                out.extend([0, 0, 9]);
            }
        }
    }
    out
}

impl Clone for Amf<'_> {
    fn clone(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text),
            Self::Number(number) => Self::Number(*number),
            Self::Null => Self::Null,
            Self::Object(properties) => Self::Object(properties),
        }
    }
}

fn short(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    out.extend(text.as_bytes());
}

/// A command message.
pub(super) fn command(stream: u32, values: &[Amf<'_>]) -> Message {
    Message { kind: 20, stream, timestamp: 0, body: amf(values).into() }
}

/// The `connect` of OBS Studio.
pub(super) fn connect() -> Message {
    let object = [
        ("app", Amf::Text("live")),
        ("type", Amf::Text("nonprivate")),
        ("flashVer", Amf::Text("FMLE/3.0 (compatible; FMSc/1.0)")),
        ("tcUrl", Amf::Text("rtmp://127.0.0.1/live")),
    ];
    command(0, &[Amf::Text("connect"), Amf::Number(1.0), Amf::Object(&object)])
}

/// Everything an encoder like OBS sends up to `publish`, in its chunk size, behind the handshake.
pub(super) fn opening(key: &str) -> Vec<u8> {
    let named = |name, transaction| {
        command(0, &[Amf::Text(name), Amf::Number(transaction), Amf::Null, Amf::Text(key)])
    };
    let mut out = full(2, 0, 1, 0, &4096_u32.to_be_bytes());
    out.extend(chunked(&connect(), 3, 4096));
    out.extend(chunked(&named("releaseStream", 2.0), 3, 4096));
    out.extend(chunked(&named("FCPublish", 3.0), 3, 4096));
    let create = command(0, &[Amf::Text("createStream"), Amf::Number(4.0), Amf::Null]);
    out.extend(chunked(&create, 3, 4096));
    let publish =
        [Amf::Text("publish"), Amf::Number(5.0), Amf::Null, Amf::Text(key), Amf::Text("live")];
    out.extend(chunked(&command(1, &publish), 4, 4096));
    out
}

/// The client's half of a plain handshake: C0, C1 and a C2 that nobody checks.
pub(super) fn handshake() -> Vec<u8> {
    let mut out = vec![3];
    out.extend([0; 8]);
    out.extend((0..1528_u32).map(|n| u8::try_from(n % 251).unwrap()));
    out.extend([7; 1536]);
    out
}

/// A wire whose handshake is over.
pub(super) fn open_wire() -> Wire {
    let mut wire = Wire::new();
    wire.input().extend_from_slice(&handshake());
    wire.advance(&mut Vec::new()).unwrap();
    assert!(wire.is_open());
    wire.session().replies().take();
    wire
}
