//! A small HLS player without a decoder: it parses playlists by the text of RFC 8216bis and shares no code with the node.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::COOKIE;
use reqwest::{Response, StatusCode, Url};

use super::wait::eventually;

/// A stream that somebody publishes is playable after a segment (2 s) and the publisher's own start.
const PLAYABLE_LIMIT: Duration = Duration::from_secs(20);
/// Longer than any blocking request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);

/// Attributes of a tag, quotes gone.
pub(crate) type Attributes = BTreeMap<String, String>;

/// A media playlist.
#[derive(Debug, Clone, Default)]
pub(crate) struct Playlist {
    pub(crate) text: String,
    pub(crate) version: u32,
    pub(crate) target: f64,
    pub(crate) part_target: f64,
    pub(crate) msn: u64,
    pub(crate) discontinuities: u64,
    pub(crate) independent: bool,
    pub(crate) ended: bool,
    pub(crate) skipped: u64,
    pub(crate) control: Attributes,
    pub(crate) hints: Vec<Attributes>,
    pub(crate) reports: Vec<Attributes>,
    pub(crate) segments: Vec<Segment>,
    /// Parts of the segment that is still open.
    pub(crate) open: Vec<Part>,
    /// It begins behind a discontinuity.
    pub(crate) open_discontinuity: bool,
}

/// A listed segment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Segment {
    pub(crate) msn: u64,
    pub(crate) uri: String,
    pub(crate) seconds: f64,
    pub(crate) discontinuity: bool,
    pub(crate) gap: bool,
    /// Milliseconds since 1970.
    pub(crate) date: Option<i64>,
    pub(crate) map: Option<String>,
    pub(crate) parts: Vec<Part>,
}

/// A listed part.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Part {
    pub(crate) uri: String,
    pub(crate) seconds: f64,
    pub(crate) independent: bool,
    pub(crate) gap: bool,
}

/// A multivariant playlist: variants with their address, and the renditions beside them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Multivariant {
    pub(crate) variants: Vec<(Attributes, String)>,
    pub(crate) media: Vec<Attributes>,
}

impl Playlist {
    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.starts_with("#EXTM3U\n"), "a playlist begins with #EXTM3U: {text:.40}");
        let mut list = Self { text: text.into(), version: 1, ..Self::default() };
        let (mut next, mut map) = (Segment::default(), None);
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            match tag {
                "#EXT-X-MAP" => map = attributes(value).remove("URI"),
                _ if !line.starts_with('#') => {
                    next.uri = line.into();
                    next.map.clone_from(&map);
                    next.msn = list.msn + list.skipped + list.segments.len() as u64;
                    list.segments.push(std::mem::take(&mut next));
                }
                _ if list.header(tag, value) => {}
                _ => next.tag(tag, value),
            }
        }
        list.open_discontinuity = next.discontinuity;
        list.open = next.parts;
        list
    }

    /// A tag that is about the whole list. False when it is about the next segment.
    fn header(&mut self, tag: &str, value: &str) -> bool {
        match tag {
            "#EXT-X-VERSION" => self.version = value.parse().unwrap(),
            "#EXT-X-TARGETDURATION" => self.target = f64::from(value.parse::<u32>().unwrap()),
            "#EXT-X-MEDIA-SEQUENCE" => self.msn = value.parse().unwrap(),
            "#EXT-X-DISCONTINUITY-SEQUENCE" => self.discontinuities = value.parse().unwrap(),
            "#EXT-X-INDEPENDENT-SEGMENTS" => self.independent = true,
            "#EXT-X-ENDLIST" => self.ended = true,
            "#EXT-X-SERVER-CONTROL" => self.control = attributes(value),
            "#EXT-X-PART-INF" => self.part_target = number(&attributes(value), "PART-TARGET"),
            "#EXT-X-SKIP" => self.skipped = attributes(value)["SKIPPED-SEGMENTS"].parse().unwrap(),
            "#EXT-X-PRELOAD-HINT" => self.hints.push(attributes(value)),
            "#EXT-X-RENDITION-REPORT" => self.reports.push(attributes(value)),
            _ => return false,
        }
        true
    }

    /// The next place a player waits for: the segment and part that are not there yet.
    pub(crate) fn next_part(&self) -> (u64, usize) {
        (self.end(), self.open.len())
    }

    /// Everything that it names and that is there: sections, segments and parts.
    pub(crate) fn uris(&self) -> Vec<String> {
        let parts = |parts: &[Part]| parts.iter().map(|part| part.uri.clone()).collect::<Vec<_>>();
        let mut uris = parts(&self.open);
        for segment in &self.segments {
            uris.push(segment.uri.clone());
            uris.extend(segment.map.clone());
            uris.extend(parts(&segment.parts));
        }
        uris
    }

    /// The number after the newest whole segment.
    pub(crate) fn end(&self) -> u64 {
        self.msn + self.skipped + self.segments.len() as u64
    }

    /// Seconds listed in whole segments.
    pub(crate) fn seconds(&self) -> f64 {
        self.segments.iter().map(|one| one.seconds).sum()
    }
}

impl Segment {
    fn tag(&mut self, tag: &str, value: &str) {
        match tag {
            "#EXTINF" => self.seconds = value.split(',').next().unwrap().parse().unwrap(),
            "#EXT-X-DISCONTINUITY" => self.discontinuity = true,
            "#EXT-X-GAP" => self.gap = true,
            "#EXT-X-PROGRAM-DATE-TIME" => {
                self.date = Some(value.parse::<weir_model::Timestamp>().unwrap().0);
            }
            "#EXT-X-PART" => {
                let of = attributes(value);
                let yes = |name: &str| of.get(name).is_some_and(|value| value == "YES");
                self.parts.push(Part {
                    uri: of["URI"].clone(),
                    seconds: number(&of, "DURATION"),
                    independent: yes("INDEPENDENT"),
                    gap: yes("GAP"),
                });
            }
            _ => {}
        }
    }
}

impl Multivariant {
    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.starts_with("#EXTM3U\n"), "a playlist begins with #EXTM3U: {text:.40}");
        let (mut list, mut variant) = (Self::default(), None);
        for line in text.lines() {
            if let Some(value) = line.strip_prefix("#EXT-X-STREAM-INF:") {
                variant = Some(attributes(value));
            } else if let Some(value) = line.strip_prefix("#EXT-X-MEDIA:") {
                list.media.push(attributes(value));
            } else if !line.starts_with('#') && !line.is_empty() {
                list.variants.push((variant.take().expect("a variant's tag"), line.into()));
            }
        }
        list
    }

    /// The addresses of all media playlists, the variants' first.
    pub(crate) fn media_playlists(&self) -> Vec<String> {
        let variants = self.variants.iter().map(|(_, uri)| uri.clone());
        let mut all: Vec<String> =
            variants.chain(self.media.iter().filter_map(|one| one.get("URI").cloned())).collect();
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|uri| seen.insert(uri.clone()));
        all
    }

    /// All codecs that any variant names.
    pub(crate) fn codecs(&self) -> String {
        let codecs = self.variants.iter().filter_map(|(of, _)| of.get("CODECS").cloned());
        codecs.collect::<Vec<_>>().join(",")
    }
}

/// `A=1,B="x,y"` (RFC 8216bis, 4.2).
pub(crate) fn attributes(text: &str) -> Attributes {
    let (mut found, mut rest) = (Attributes::new(), text);
    while let Some((name, value)) = rest.split_once('=') {
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').expect("a closing quote"),
            None => value.split_at(value.find(',').unwrap_or(value.len())),
        };
        found.insert(name.trim().into(), value.into());
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    found
}

/// A decimal attribute; zero when it is not there.
pub(crate) fn number(of: &Attributes, name: &str) -> f64 {
    of.get(name).map_or(0.0, |value| value.parse().unwrap())
}

/// A viewer of one channel.
pub(crate) struct Player {
    http: reqwest::Client,
    url: Url,
}

impl Player {
    pub(crate) fn new(url: String) -> Self {
        Self::known_by(url, None)
    }

    /// One that brings a cookie.
    pub(crate) fn known_by(url: String, cookie: Option<&str>) -> Self {
        let cookie = cookie.map(|cookie| (COOKIE, cookie.parse().unwrap()));
        let http = reqwest::Client::builder().timeout(REQUEST_LIMIT);
        let http = http.default_headers(cookie.into_iter().collect()).build().unwrap();
        Self { http, url: url.parse().unwrap() }
    }

    /// Waits until the channel can be played and answers its multivariant playlist.
    pub(crate) async fn playable(&self) -> Multivariant {
        eventually("the channel is playable", PLAYABLE_LIMIT, async || self.multivariant().await)
            .await
    }

    /// The multivariant playlist, when there is one.
    pub(crate) async fn multivariant(&self) -> Option<Multivariant> {
        let answer = self.get(&self.url).await.ok()?;
        if answer.status() != StatusCode::OK {
            return None;
        }
        let list = Multivariant::parse(&answer.text().await.ok()?);
        assert!(
            !list.variants.is_empty(),
            "an answer without a variant: a player takes that for an end"
        );
        Some(list)
    }

    /// Addresses of all media playlists.
    pub(crate) async fn media_urls(&self) -> Vec<Url> {
        let list = self.playable().await;
        list.media_playlists().iter().map(|uri| self.url.join(uri).unwrap()).collect()
    }

    /// The first media playlist: the video's where there is video.
    pub(crate) async fn first(&self) -> Url {
        self.media_urls().await.remove(0)
    }

    /// A media playlist as it is now.
    pub(crate) async fn playlist(&self, url: &Url) -> Playlist {
        let answer = self.get(url).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
        Playlist::parse(&answer.text().await.unwrap())
    }

    /// A media playlist once it holds this part (RFC 8216bis, 6.2.5.2).
    pub(crate) async fn playlist_with(&self, url: &Url, (msn, part): (u64, usize)) -> Playlist {
        self.playlist(&with_query(url, &format!("_HLS_msn={msn}&_HLS_part={part}"))).await
    }

    /// The bytes behind an address of a playlist.
    pub(crate) async fn bytes(&self, playlist: &Url, uri: &str) -> Bytes {
        let url = playlist.join(uri).unwrap();
        let answer = self.get(&url).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
        answer.bytes().await.unwrap()
    }

    /// Everything that a player is told of: playlists, sections, segments and parts, those that come next included.
    pub(crate) async fn listed(&self) -> Vec<Url> {
        let mut all = vec![self.url.clone()];
        for url in self.media_urls().await {
            let list = self.playlist(&url).await;
            let hints = list.hints.iter().map(|hint| hint["URI"].clone());
            all.extend(hints.chain(list.uris()).map(|uri| url.join(&uri).unwrap()));
            all.push(url);
        }
        all
    }

    /// Any request.
    pub(crate) async fn get(&self, url: &Url) -> reqwest::Result<Response> {
        self.http.get(url.clone()).send().await
    }

    /// The multivariant playlist's address.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }
}

/// An address with a query, whatever it had before.
pub(crate) fn with_query(url: &Url, query: &str) -> Url {
    let mut url = url.clone();
    url.set_query(Some(query));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=0.2\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6\n#EXT-X-MEDIA-SEQUENCE:7\n\
        #EXT-X-MAP:URI=\"init-1.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXTINF:2.000,\ns7.m4s\n\
        #EXT-X-DISCONTINUITY\n#EXT-X-PART:DURATION=0.2,URI=\"p70.m4s\",INDEPENDENT=YES\n#EXTINF:2,\ns8.m4s\n\
        #EXT-X-PART:DURATION=0.2,URI=\"p80.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p81.m4s\"\n";

    #[test]
    fn a_media_playlist_is_read_whole() {
        let list = Playlist::parse(LIST);
        assert_eq!((list.target, list.part_target, list.version), (4.0, 0.2, 9));
        assert_eq!(list.segments.iter().map(|one| one.msn).collect::<Vec<_>>(), [7, 8]);
        assert!(list.segments[1].discontinuity && !list.segments[0].discontinuity);
        assert_eq!(list.segments[1].map.as_deref(), Some("init-1.mp4"));
        assert!(list.segments[1].parts[0].independent);
        assert_eq!(list.segments[0].date, Some(1_767_225_600_000));
        assert_eq!(list.next_part(), (9, 1));
        assert_eq!(list.hints[0]["URI"], "p81.m4s");
    }

    #[test]
    fn quoted_commas_do_not_split_an_attribute() {
        let of = attributes("CODECS=\"avc1.64001f,mp4a.40.2\",BANDWIDTH=1,AUDIO=\"a\"");
        assert_eq!(of["CODECS"], "avc1.64001f,mp4a.40.2");
        assert_eq!((of["BANDWIDTH"].as_str(), of["AUDIO"].as_str()), ("1", "a"));
    }

    #[test]
    fn renditions_follow_the_variants_and_none_comes_twice() {
        let text = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",URI=\"a0/index.m3u8\"\n\
            #EXT-X-STREAM-INF:CODECS=\"avc1.64001f\"\nv0/index.m3u8\n#EXT-X-STREAM-INF:X=1\nv0/index.m3u8\n";
        let list = Multivariant::parse(text);
        assert_eq!(list.media_playlists(), ["v0/index.m3u8", "a0/index.m3u8"]);
    }
}
