//! What a path below `/live/<channel>/` names.

use weir_media::{TrackId, TrackKind};

use crate::edge::metrics::Kind;

/// A thing with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// `index.m3u8`
    Multivariant,
    /// `state`: changes of the stream's state as they happen.
    State,
    /// `state.json`: the stream's state now.
    StateOnce,
    /// `<track>/index.m3u8`
    Playlist(TrackId),
    /// `<track>/init-<hash>.mp4`
    Init(TrackId, &'a str),
    /// `<track>/s<msn>.m4s`
    Segment(TrackId, u64),
    /// `<track>/p<number>.m4s`
    Part(TrackId, u64),
}

impl Target<'_> {
    /// How it is counted.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Multivariant => Kind::Multivariant,
            Self::State | Self::StateOnce => Kind::Page,
            Self::Playlist(_) => Kind::Playlist,
            Self::Init(..) => Kind::Init,
            Self::Segment(..) => Kind::Segment,
            Self::Part(..) => Kind::Part,
        }
    }
}

/// Reads a path; none when it names nothing.
#[must_use]
pub fn parse(rest: &str) -> Option<Target<'_>> {
    match rest {
        "index.m3u8" => return Some(Target::Multivariant),
        "state" => return Some(Target::State),
        "state.json" => return Some(Target::StateOnce),
        _ => {}
    }
    let (name, file) = rest.split_once('/')?;
    let track = track(name)?;
    if file == "index.m3u8" {
        return Some(Target::Playlist(track));
    }
    if let Some(hash) = file.strip_prefix("init-").and_then(|file| file.strip_suffix(".mp4")) {
        return Some(Target::Init(track, hash));
    }
    let stem = file.strip_suffix(".m4s")?;
    if let Some(msn) = stem.strip_prefix('s') {
        return Some(Target::Segment(track, number(msn)?));
    }
    Some(Target::Part(track, number(stem.strip_prefix('p')?)?))
}

fn track(name: &str) -> Option<TrackId> {
    let kind = match name.as_bytes().first()? {
        b'v' => TrackKind::Video,
        b'a' => TrackKind::Audio,
        _ => return None,
    };
    let index = u8::try_from(number(name.get(1..)?)?).ok()?;
    Some(TrackId { kind, index })
}

/// A number in the one way in which it is written: one thing has one address.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_understood() {
        assert_eq!(parse("index.m3u8"), Some(Target::Multivariant));
        assert_eq!(parse("v0/index.m3u8"), Some(Target::Playlist(TrackId::VIDEO)));
        assert_eq!(parse("a0/init-00ff.mp4"), Some(Target::Init(TrackId::AUDIO, "00ff")));
        assert_eq!(parse("a0/s12.m4s"), Some(Target::Segment(TrackId::AUDIO, 12)));
        assert_eq!(parse("v0/p0.m4s"), Some(Target::Part(TrackId::VIDEO, 0)));
    }

    #[test]
    fn an_address_has_one_spelling() {
        for rest in [
            "",
            "x",
            "v0",
            "v0/",
            "v/p1.m4s",
            "v00/p1.m4s",
            "v256/p1.m4s",
            "v0/p01.m4s",
            "v0/s+1.m4s",
            "v0/s.m4s",
            "v0/p1.m4s/",
            "w0/p1.m4s",
            "é0/p1.m4s",
            "v0/q1.m4s",
            "v0/s99999999999999999999.m4s",
            "../v0/p1.m4s",
        ] {
            assert_eq!(parse(rest), None, "{rest}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_makes_it_panic(rest in ".{0,40}") {
            let _ = parse(&rest);
        }
    }
}
