//! The `connect` command (RTMP 1.0 §7.2.1.1; Enhanced RTMP v2, "Enhancing NetConnection connect Command"):
//! what a client says of itself and what it is told.

use rml_rtmp::rml_amf0::Amf0Value;

use super::amf::Value;
use super::key::text_property;
use super::reply::{Level, Property, object, status_object, text};

/// Longest name of an encoder that is kept, characters; one line in a table.
pub const ENCODER_CHARS_MAX: usize = 100;
/// Longest application path or URL that is looked at, bytes.
const PATH_BYTES_MAX: usize = 1024;

/// Codecs that go through to viewers, as Enhanced RTMP names them.
const VIDEO_CODECS: [&str; 3] = ["avc1", "hvc1", "av01"];
/// See [`VIDEO_CODECS`].
const AUDIO_CODECS: [&str; 3] = ["mp4a", "Opus", ".mp3"];
/// `FourCcInfoMask`: we forward, we neither decode nor encode.
const CAN_FORWARD: f64 = 4.0;
/// `CapsExMask`: Reconnect 1, Multitrack 2, ModEx 4.
const CAPABILITIES: f64 = 7.0;
/// `CapsExMask.Reconnect`.
const RECONNECT: u32 = 1;

/// What a client said of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Client {
    /// Application path.
    pub app: String,
    /// The URL it connected to. May hold the stream key.
    pub tc_url: String,
    /// What it calls itself, on one line.
    pub encoder: String,
    /// It understands a request to reconnect.
    pub can_reconnect: bool,
    /// 3 when it asked for AMF3, else 0.
    object_encoding: f64,
    /// It told the codecs it knows in the manner of Enhanced RTMP.
    enhanced: bool,
}

impl Client {
    /// Reads the object of a `connect` command.
    #[must_use]
    pub fn read(connect: Option<&Value>) -> Self {
        let property = |name| connect.and_then(|object| object.property(name));
        let number = |name| property(name).and_then(Value::number);
        let path = |name| {
            let path = text_property(connect, name);
            if path.len() <= PATH_BYTES_MAX { path.to_owned() } else { String::new() }
        };
        let encoder = text_property(connect, "flashVer");
        let names = ["fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"];
        // The value is a small bit field; a cast saturates whatever else was sent.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let capabilities = number("capsEx").unwrap_or_default() as u32;
        Self {
            app: path("app"),
            tc_url: path("tcUrl"),
            encoder: encoder.chars().filter(|c| !c.is_control()).take(ENCODER_CHARS_MAX).collect(),
            can_reconnect: capabilities & RECONNECT != 0,
            object_encoding: if number("objectEncoding") == Some(3.0) { 3.0 } else { 0.0 },
            enhanced: names.iter().any(|name| property(name).is_some()),
        }
    }
}

/// The two objects of the answer. What Enhanced RTMP adds is in both, because the specification does not
/// say which one a client reads.
#[must_use]
pub fn answer(client: &Client) -> (Amf0Value, Amf0Value) {
    let mut properties: Vec<Property> =
        vec![("fmsVer", text("FMS/3,0,1,123")), ("capabilities", Amf0Value::Number(31.0))];
    let code = "NetConnection.Connect.Success";
    let mut info = status_object(Level::Status, code, "connection succeeded");
    let mut more: Vec<Property> =
        vec![("objectEncoding", Amf0Value::Number(client.object_encoding))];
    if client.enhanced {
        let all = VIDEO_CODECS.iter().chain(&AUDIO_CODECS).map(|name| text(name)).collect();
        more.push(("fourCcList", Amf0Value::StrictArray(all)));
        more.push(("videoFourCcInfoMap", info_map(&VIDEO_CODECS)));
        more.push(("audioFourCcInfoMap", info_map(&AUDIO_CODECS)));
        more.push(("capsEx", Amf0Value::Number(CAPABILITIES)));
        properties.extend(more.iter().skip(1).cloned());
    }
    if let Amf0Value::Object(info) = &mut info {
        info.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    (object(properties), info)
}

fn info_map(codecs: &[&'static str]) -> Amf0Value {
    object(codecs.iter().map(|name| (*name, Amf0Value::Number(CAN_FORWARD))).collect())
}
