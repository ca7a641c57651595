//! Nodes with windows: one packages synthetic frames, the others copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use parking_lot::Mutex;
use weir_cluster::replication::{Asking, Branches, Root, Site};
use weir_media::packager::{Packager, PackagerConfig};
use weir_media::playlist::Shown;
use weir_media::reload::Reload;
use weir_media::rendition::Timing;
use weir_media::replica::Shade;
use weir_media::{AudioParams, Codec, CodecConfig, Frame, Item, Output, TrackId, VideoParams};
use weir_model::{ChannelName, NodeId, Timestamp};

use crate::link::fetch::{Demand, Incoming, Puller, Replica, Replicas, Sources};
use crate::link::replicate::{Offer, Originals, Replicate};
use crate::link::tests::{Cluster, Node, PATIENCE};
use crate::store::window::{PartAnswer, PlaylistAnswer, Window};

pub(super) const TIMING: Timing =
    Timing { target_secs: 4, part_target_us: 200_000, list_us: 15_000_000 };
const CONFIG: PackagerConfig =
    PackagerConfig { segment_us: 2_000_000, segment_max_us: 4_000_000, part_us: 200_000 };
pub(super) const ANCHOR: Timestamp = Timestamp(1_800_000_000_000);
pub(super) const TRACKS: [TrackId; 2] = [TrackId::VIDEO, TrackId::AUDIO];
pub(super) const LINGER: Duration = Duration::from_millis(300);

pub(super) fn channel() -> ChannelName {
    "demo".parse().unwrap()
}

/// A packager whose media time is moved by hand.
pub(super) struct Studio {
    pub(super) window: Arc<Window>,
    packager: Packager,
    at_us: i64,
    frames: [i64; 2],
    picture_bytes: usize,
    anchor: Timestamp,
}

impl Studio {
    pub(super) fn new(window: Arc<Window>, first_msn: u64, picture_bytes: usize) -> Self {
        let packager = Packager::new(CONFIG, first_msn, first_msn * 100);
        let anchor = ANCHOR.plus_ms(first_msn as i64 * 2000);
        let mut studio = Self { window, packager, at_us: 0, frames: [0; 2], picture_bytes, anchor };
        let mut out = Vec::new();
        studio.packager.push(Item::Config(TrackId::VIDEO, avc(1280)), &mut out);
        studio.packager.push(Item::Config(TrackId::AUDIO, aac()), &mut out);
        studio
    }

    /// From the next picture on they have another width.
    pub(super) fn widen(&mut self, width: u32) {
        let mut out = Vec::new();
        self.packager.push(Item::Config(TrackId::VIDEO, avc(width)), &mut out);
        self.apply(out);
    }

    /// Makes the next `ms` of media.
    pub(super) fn produce(&mut self, ms: i64) {
        self.at_us += ms * 1000;
        let mut out = Vec::new();
        loop {
            let [picture, sound] = self.frames;
            let (picture_us, sound_us) = (picture * 40_000, sound * 1_024_000 / 48);
            if picture_us.min(sound_us) >= self.at_us {
                break;
            }
            let frame = if picture_us <= sound_us {
                self.frames[0] += 1;
                self.picture(picture)
            } else {
                self.frames[1] += 1;
                let payload = Bytes::from(vec![sound as u8; 340]);
                let dts = sound * 1024;
                Frame { track: TrackId::AUDIO, pts: dts, dts, key: true, payload }
            };
            self.packager.push(Item::Frame(frame), &mut out);
        }
        self.apply(out);
    }

    fn picture(&self, number: i64) -> Frame {
        let mut payload = vec![number as u8; self.picture_bytes];
        payload[..8].copy_from_slice(&number.to_be_bytes());
        let (dts, key) = (number * 3600, number % 50 == 0);
        Frame { track: TrackId::VIDEO, pts: dts, dts, key, payload: payload.into() }
    }

    fn apply(&self, mut out: Vec<Output>) {
        if let Some(target_us) = self.packager.part_target_us() {
            self.window.set_part_target_us(target_us);
        }
        self.window.apply(&mut out, self.anchor);
    }

    /// The publisher leaves and time passes without media.
    pub(super) fn gap(&mut self, ms: i64) {
        let mut out = Vec::new();
        self.packager.gap(ms * 1000, &mut out);
        let behind_us = self.packager.end_us();
        self.apply(out);
        self.frames = [
            behind_us / 2_000_000 * 50 + 50,
            (behind_us / 2_000_000 + 1) * 2_000_000 * 48 / 1_024_000,
        ];
        self.at_us = (behind_us / 2_000_000 + 1) * 2_000_000;
    }

    pub(super) fn end(&mut self) {
        let mut out = Vec::new();
        self.packager.close(&mut out);
        self.apply(out);
        self.window.end();
    }

    /// The next show of the same window.
    pub(super) fn next_show(self) -> Self {
        self.window.begin_show(None);
        let first = self.packager.next_msn();
        Self::new(self.window, first, self.picture_bytes)
    }
}

/// Media in real time.
pub(super) async fn live(studio: &mut Studio, ms: i64) {
    let mut slices = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..ms / 100 {
        slices.tick().await;
        studio.produce(100);
    }
}

fn avc(width: u32) -> Arc<CodecConfig> {
    Arc::new(CodecConfig {
        codec: Codec::Avc,
        record: Bytes::from_static(&[1, 0x64, 0, 0x1f, 0xFF]),
        rfc6381: "avc1.64001f".into(),
        timescale: 90_000,
        video: Some(VideoParams { width, height: 720, sar: (1, 1) }),
        audio: None,
    })
}

fn aac() -> Arc<CodecConfig> {
    Arc::new(CodecConfig {
        codec: Codec::Aac,
        record: Bytes::from_static(&[0x11, 0x90]),
        rfc6381: "mp4a.40.2".into(),
        timescale: 48_000,
        video: None,
        audio: Some(AudioParams { sample_rate: 48_000, channels: 2, frame_samples: 1024 }),
    })
}

/// What a node knows of the channel: its window, and either its own epoch or what it pulls.
#[derive(Default)]
pub(super) struct Knows {
    source: Mutex<Option<(NodeId, u64)>>,
    own_epoch: AtomicU64,
    window: Mutex<Option<Arc<Window>>>,
    puller: Mutex<Option<Puller>>,
    /// As owner, the nodes that may feed others; without any, everybody is fed here.
    sites: Mutex<Vec<Site>>,
    branches: Mutex<Branches>,
    /// For whom the stream is made, as this node's directory says.
    shade: Mutex<Shade>,
}

impl Sources for Knows {
    fn source(&self, _: &ChannelName) -> Option<(NodeId, u64)> {
        *self.source.lock()
    }
}

impl Replicas for Knows {
    fn replica(&self, _: &ChannelName, timing: &Timing) -> Arc<dyn Replica> {
        let mut window = self.window.lock();
        Arc::clone(window.get_or_insert_with(|| Arc::new(Window::new(*timing)))) as Arc<dyn Replica>
    }
}

impl Originals for Knows {
    fn offer(&self, channel: &ChannelName) -> Option<Offer> {
        let window = self.window.lock().clone()?;
        match self.own_epoch.load(Ordering::Relaxed) {
            0 => {
                let (epoch, path) = self.puller.lock().as_ref()?.path(channel)?;
                Some(Offer { window, epoch, path })
            }
            epoch => Some(Offer { window, epoch, path: Vec::new() }),
        }
    }

    fn shade(&self, _: &ChannelName) -> Shade {
        let told = self.window.lock().as_ref().map(|window| window.shade());
        told.unwrap_or_default().with(*self.shade.lock())
    }

    fn place(&self, channel: &ChannelName, node: NodeId, asking: Asking) -> Option<NodeId> {
        let sites = self.sites.lock();
        let owner = sites.first()?.id;
        let root = Root { stream: channel.as_str(), owner, sites: &sites };
        // Nobody is forgotten meanwhile.
        Some(self.branches.lock().place(root, node, asking, 0))
    }

    fn left(&self, _: &ChannelName, node: NodeId) -> bool {
        self.branches.lock().leave(node)
    }

    fn hold(&self, channel: &ChannelName, _: NodeId) -> Option<Demand> {
        self.puller.lock().as_ref()?.want(channel)
    }
}

/// An origin, an edge that pulls from it once it is wanted, and who makes the media.
pub(super) async fn pair(cluster: &Cluster, picture_bytes: usize) -> (Edge, Edge, Studio) {
    let (one, two) = cluster.pair().await;
    let (origin, window) = Edge::origin(one, 5);
    let edge = Edge::new(two);
    edge.pull_from(&origin.node, 5);
    (origin, edge, Studio::new(window, 7, picture_bytes))
}

/// A node that copies, and can be copied.
pub(super) struct Edge {
    pub(super) node: Node,
    knows: Arc<Knows>,
    pub(super) puller: Puller,
    pub(super) replicate: Replicate,
}

impl Edge {
    pub(super) fn new(node: Node) -> Self {
        let knows = Arc::new(Knows::default());
        let sources = Arc::clone(&knows) as Arc<dyn Sources>;
        let replicas = Arc::clone(&knows) as Arc<dyn Replicas>;
        let puller = Puller::start(&node.link, sources, replicas, LINGER);
        *knows.puller.lock() = Some(puller.clone());
        let originals = Arc::clone(&knows) as Arc<dyn Originals>;
        let replicate = Replicate::start(&node.link, originals);
        Self { node, knows, puller, replicate }
    }

    /// Owns the stream under `epoch`.
    pub(super) fn origin(node: Node, epoch: u64) -> (Self, Arc<Window>) {
        let edge = Self::new(node);
        let window = Arc::new(Window::new(TIMING));
        *edge.knows.window.lock() = Some(Arc::clone(&window));
        edge.knows.own_epoch.store(epoch, Ordering::Relaxed);
        (edge, window)
    }

    /// As owner, puts who asks below these, itself the first.
    pub(super) fn plans_for(&self, sites: Vec<Site>) {
        *self.knows.sites.lock() = sites;
    }

    pub(super) fn pull_from(&self, node: &Node, epoch: u64) {
        *self.knows.source.lock() = Some((node.id(), epoch));
    }

    /// This node's directory says for whom the stream is made.
    pub(super) fn hears(&self, shade: Shade) {
        *self.knows.shade.lock() = shade;
    }

    pub(super) fn window(&self) -> Option<Arc<Window>> {
        self.knows.window.lock().clone()
    }

    pub(super) fn incoming(&self) -> Option<Incoming> {
        self.puller.incoming().into_iter().next()
    }

    /// Waits until `holds`.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(in_time.is_ok(), "{what}: {:?} {:?}", self.incoming(), self.replicate.outgoing());
    }

    /// Waits until a viewer is told here what `origin` tells.
    pub(super) async fn same_as(&self, origin: &Window) {
        let expected = told(origin).await;
        let waiting = async {
            loop {
                if let Some(window) = self.window()
                    && told(&window).await == expected
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let Some(window) = self.window() else { panic!("no window: {:?}", self.incoming()) };
            let told = told(&window).await;
            for (own, theirs) in told.playlists.iter().zip(&expected.playlists) {
                let text = |one: &Option<String>| one.clone().unwrap_or_default();
                assert_eq!(text(own), text(theirs), "{:?}", self.incoming());
            }
            assert_eq!(told, expected, "{:?}", self.incoming());
        }
    }
}

/// Everything a viewer could be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) multivariant: Option<String>,
    pub(super) playlists: Vec<Option<String>>,
    pub(super) media: Vec<Option<Bytes>>,
}

pub(super) fn playlist(window: &Window, track: TrackId) -> Option<String> {
    match window.playlist(track, &Reload::default(), Shown::default()).now_or_never()? {
        PlaylistAnswer::Ready(text) => Some(String::from_utf8(text.plain.to_vec()).unwrap()),
        _ => None,
    }
}

pub(super) async fn told(window: &Window) -> Told {
    let multivariant = window.multivariant().map(|text| text.with_query(""));
    let (mut playlists, mut media) = (Vec::new(), Vec::new());
    for track in TRACKS {
        let text = playlist(window, track);
        for line in text.as_deref().unwrap_or_default().lines() {
            media.push(media_of(window, track, line).await);
        }
        playlists.push(text);
    }
    Told { multivariant, playlists, media }
}

/// What a line of a playlist names.
async fn media_of(window: &Window, track: TrackId, line: &str) -> Option<Bytes> {
    if line.starts_with("#EXT-X-PART:") {
        let number = between(line, "URI=\"p", ".m4s")?.parse().ok()?;
        let PartAnswer::Ready(bytes) = window.part(track, number, 0).await else { return None };
        return Some(bytes);
    }
    if line.starts_with("#EXT-X-MAP:") {
        return window.init(track, between(line, "init-", ".mp4")?, 0);
    }
    let msn = line.strip_prefix('s')?.strip_suffix(".m4s")?.parse().ok()?;
    Some(window.segment(track, msn)?.concat().into())
}

fn between<'a>(line: &'a str, from: &str, until: &str) -> Option<&'a str> {
    line.split_once(from)?.1.split_once(until).map(|(inside, _)| inside)
}

/// `EXT-X-MEDIA-SEQUENCE`, and how many segments are gaps.
pub(super) fn sequence_and_gaps(text: &str) -> (u64, usize) {
    let line = text.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
    (line.unwrap().parse().unwrap(), text.matches("#EXT-X-GAP").count())
}
