//! Every kind of stream that a publisher can bring becomes a conforming stream.

use crate::harness::conformance::{self, Violations};
use crate::harness::flv::Tags;
use crate::harness::publisher::Ffmpeg;
use crate::harness::{Node, clip, rtmp};
use clip::Clip;

/// Follows what ffmpeg publishes of a clip; `codecs` must all be announced, `tracks` are listed.
async fn by_ffmpeg(clip: &Clip, codecs: &[&str], tracks: usize) {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(&node, &key, clip);
    check(&node, codecs, tracks).await;
}

/// The same by our own publisher, for codecs that only Enhanced RTMP carries.
async fn by_enhanced_rtmp(clip: &Clip, codecs: &[&str], tracks: usize) {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let mut publisher = rtmp::publish(node.rtmp(), &key).await.accepted();
    let tags = Tags::of(clip);
    let playing = tokio::spawn(async move { publisher.play(&tags).await });
    check(&node, codecs, tracks).await;
    playing.abort();
}

async fn check(node: &Node, codecs: &[&str], tracks: usize) {
    let player = node.player("demo");
    let list = player.playable().await;
    let announced = list.codecs();
    for codec in codecs {
        assert!(announced.contains(codec), "{codec} is not in {announced}");
    }
    assert_eq!(list.media_playlists().len(), tracks);
    assert_eq!(conformance::follow(&player, 15).await, Violations::new());
}

#[tokio::test]
async fn without_b_frames_and_with_mono_sound_of_44_kilohertz() {
    by_ffmpeg(&clip::LOW_DELAY, &["avc1.", "mp4a.40.2"], 2).await;
}

#[tokio::test]
async fn upright_pictures_keep_their_shape() {
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let _ffmpeg = Ffmpeg::publish(&node, &key, &clip::PORTRAIT);
    let list = node.player("demo").playable().await;
    assert_eq!(list.variants[0].0["RESOLUTION"], "360x640");
}

#[tokio::test]
async fn sound_alone() {
    by_ffmpeg(&clip::AUDIO_ONLY, &["mp4a.40.2"], 1).await;
}

#[tokio::test]
async fn pictures_alone() {
    by_ffmpeg(&clip::VIDEO_ONLY, &["avc1."], 1).await;
}

#[tokio::test]
async fn key_frames_further_apart_than_the_target() {
    by_ffmpeg(&clip::LONG_GOP, &["avc1.", "mp4a.40.2"], 2).await;
}

#[tokio::test]
async fn a_varying_frame_rate() {
    by_ffmpeg(&clip::VARYING_RATE, &["avc1.", "mp4a.40.2"], 2).await;
}

#[tokio::test]
async fn b_frames_that_refer_to_b_frames() {
    by_ffmpeg(&clip::PYRAMID, &["avc1.", "mp4a.40.2"], 2).await;
}

#[tokio::test]
async fn hevc_by_enhanced_rtmp() {
    by_enhanced_rtmp(&clip::HEVC, &["hvc1.", "mp4a.40.2"], 2).await;
}

#[tokio::test]
async fn av1_and_opus_by_enhanced_rtmp() {
    by_enhanced_rtmp(&clip::AV1_OPUS, &["av01.", "opus"], 2).await;
}

#[tokio::test]
async fn a_codec_we_do_not_carry_is_refused_by_name() {
    use crate::harness::flv::{Tag, TagKind};
    let node = Node::start().await;
    let key = node.channel("demo").await;
    let mut publisher = rtmp::publish(node.rtmp(), &key).await.accepted();
    let body =
        bytes::Bytes::from_static(b"\x90vp09\x00\x00\x00\x00\x01\x0a\x82\x02\x02\x02\x00\x00");
    let header = Tag { kind: TagKind::Video, ms: 0, body };
    publisher.send(&header, 0).await.unwrap();
    let limit = std::time::Duration::from_secs(5);
    let status = crate::harness::within("the refusal", limit, publisher.closed()).await;
    let words = format!("{} {}", status.code, status.description).to_lowercase();
    assert!(words.contains("vp9") || words.contains("vp09"), "{status:?}");
}
