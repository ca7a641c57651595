//! The session as encoders drive it, and as nobody should.

use proptest::prelude::*;

use super::super::chunk::Dechunker;
use super::super::reply::CHUNK_SIZE;
use super::super::testing::{Amf, chunked, command, connect, full, handshake, open_wire, opening};
use super::super::wire::Wire;
use super::*;

/// What the peer was told, taken apart: message stream and values of commands, nothing of the rest.
fn said(session: &mut Session) -> Vec<(u32, Vec<Value>)> {
    let all = replies(session);
    let commands = all.iter().filter(|message| message.kind == kind::COMMAND_AMF0);
    commands.map(|message| (message.stream, amf::decode(&message.body).unwrap())).collect()
}

fn replies(session: &mut Session) -> Vec<Message> {
    // The chunk size of answers was told with the first one, which a test may have read before.
    let mut bytes = full(2, 0, kind::SET_CHUNK_SIZE, 0, &CHUNK_SIZE.to_be_bytes());
    bytes.extend(session.replies().take());
    let (mut rest, mut out) = (&bytes[..], Vec::new());
    let mut dechunker = Dechunker::new();
    while let Some(message) = dechunker.next(&mut rest).unwrap() {
        out.push(message);
    }
    assert!(rest.is_empty(), "every answer must be whole");
    out
}

fn code(values: &[Value]) -> &str {
    values.last().and_then(|info| info.property("code")).and_then(Value::text).unwrap_or_default()
}

fn feed(session: &mut Session, message: Message) -> Vec<Action> {
    let mut out = Vec::new();
    session.handle(message, &mut out).unwrap();
    out
}

fn named(name: &str, transaction: f64, argument: Amf<'_>) -> Message {
    command(1, &[Amf::Text(name), Amf::Number(transaction), Amf::Null, argument])
}

fn connected() -> Session {
    let mut session = Session::new();
    feed(&mut session, connect());
    replies(&mut session);
    session
}

fn publishing() -> Session {
    let mut session = connected();
    feed(&mut session, named("publish", 0.0, Amf::Text("k")));
    session.accept();
    replies(&mut session);
    session
}

/// The properties object and the information object of the answer to `connect`.
fn connect_answer(properties: &[(&str, Amf<'_>)]) -> (Value, Value) {
    let mut session = Session::new();
    let values = [Amf::Text("connect"), Amf::Number(1.0), Amf::Object(properties)];
    feed(&mut session, command(0, &values));
    let kinds: Vec<u8> = replies_kinds(&mut session);
    assert_eq!(kinds, [kind::WINDOW_ACK_SIZE, kind::SET_PEER_BANDWIDTH, kind::COMMAND_AMF0]);
    let mut session = Session::new();
    feed(&mut session, command(0, &values));
    let (_, values) = said(&mut session).remove(0);
    assert_eq!(values[..2], [Value::Text("_result".into()), Value::Number(1.0)]);
    assert_eq!(code(&values), "NetConnection.Connect.Success");
    (values[2].clone(), values[3].clone())
}

fn replies_kinds(session: &mut Session) -> Vec<u8> {
    replies(session).iter().map(|message| message.kind).collect()
}

#[test]
fn connect_is_answered_with_the_object_encoding_that_was_asked_for() {
    for (asked, answered) in [(Some(0.0), 0.0), (Some(3.0), 3.0), (None, 0.0)] {
        let mut properties = vec![("app", Amf::Text("live"))];
        properties.extend(asked.map(|one| ("objectEncoding", Amf::Number(one))));
        let (_, info) = connect_answer(&properties);
        assert_eq!(info.property("objectEncoding"), Some(&Value::Number(answered)));
        assert_eq!(info.property("capsEx"), None, "not for who does not know Enhanced RTMP");
    }
}

#[test]
fn connect_tells_the_codecs_to_who_told_its_own() {
    for asked in ["fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"] {
        let (properties, info) = connect_answer(&[(asked, Amf::Number(1.0))]);
        for object in [&properties, &info] {
            let Some(Value::Array(codecs)) = object.property("fourCcList") else {
                panic!("no fourCcList for {asked}");
            };
            assert!(codecs.contains(&Value::Text("hvc1".into())));
            let video = object.property("videoFourCcInfoMap").unwrap();
            assert_eq!(video.property("av01"), Some(&Value::Number(4.0)));
            let audio = object.property("audioFourCcInfoMap").unwrap();
            assert_eq!(audio.property("Opus"), Some(&Value::Number(4.0)));
            assert_eq!(object.property("capsEx"), Some(&Value::Number(7.0)));
        }
    }
}

#[test]
fn only_who_offers_it_is_asked_to_reconnect() {
    for (caps, can) in
        [(None, false), (Some(1.0), true), (Some(2.0), false), (Some(f64::NAN), false)]
    {
        let mut session = Session::new();
        let properties: Vec<_> =
            caps.map(|caps| ("capsEx", Amf::Number(caps))).into_iter().collect();
        feed(
            &mut session,
            command(0, &[Amf::Text("connect"), Amf::Number(1.0), Amf::Object(&properties)]),
        );
        assert_eq!(session.can_be_asked_to_reconnect(), can, "{caps:?}");
    }
}

#[test]
fn the_way_to_publish_of_obs_is_answered_step_by_step() {
    let mut session = connected();
    for (n, name) in (2_u8..).zip(["releaseStream", "FCPublish"]) {
        feed(&mut session, named(name, f64::from(n), Amf::Text("k")));
        let (_, values) = said(&mut session).remove(0);
        assert_eq!(values[..2], [Value::Text("_result".into()), Value::Number(f64::from(n))]);
    }
    feed(&mut session, named("createStream", 4.0, Amf::Null));
    assert_eq!(said(&mut session)[0].1.last(), Some(&Value::Number(1.0)));
    let asked = feed(&mut session, named("publish", 5.0, Amf::Text("k?token=abc")));
    let [Action::Publish(intent)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(intent.key.as_deref(), Some("k"));
    assert_eq!(intent.encoder, "FMLE/3.0 (compatible; FMSc/1.0)");
    assert!(said(&mut session).is_empty(), "nothing is promised before the stream decided");
    session.accept();
    let (stream, values) = said(&mut session).remove(0);
    assert_eq!((stream, code(&values)), (1, "NetStream.Publish.Start"));
}

#[test]
fn a_refusal_carries_its_code_and_sentence() {
    let mut session = connected();
    feed(&mut session, named("publish", 5.0, Amf::Text("k")));
    session.refuse("NetStream.Publish.BadName", &"é".repeat(5000));
    let (stream, values) = said(&mut session).remove(0);
    assert_eq!((stream, code(&values)), (1, "NetStream.Publish.BadName"));
    assert_eq!(values[3].property("level"), Some(&Value::Text("error".into())));
    let description = values[3].property("description").and_then(Value::text).unwrap();
    assert!(description.starts_with('é') && description.len() <= 1024);
    let late = Message { kind: kind::VIDEO, stream: 1, timestamp: 0, body: "x".into() };
    assert!(feed(&mut session, late).is_empty());
}

#[test]
fn transaction_0_gets_no_answer_and_unknown_commands_an_error() {
    let mut session = connected();
    feed(&mut session, named("releaseStream", 0.0, Amf::Text("k")));
    feed(&mut session, named("whatever", 0.0, Amf::Null));
    feed(&mut session, named("_result", 9.0, Amf::Null));
    assert!(said(&mut session).is_empty());
    feed(&mut session, named("whatever", 7.0, Amf::Null));
    assert_eq!(said(&mut session)[0].1[0], Value::Text("_error".into()));
    feed(&mut session, named("_checkbw", 8.0, Amf::Null));
    assert_eq!(said(&mut session)[0].1[0], Value::Text("_result".into()));
}

#[test]
fn a_publisher_ends_by_every_kind_of_delete_stream() {
    for argument in [Amf::Number(1.0), Amf::Text("k"), Amf::Null] {
        let mut session = publishing();
        let actions = feed(&mut session, named("deleteStream", 0.0, argument));
        assert_eq!(actions, [Action::End(End::Unpublished)]);
        assert_eq!(code(&said(&mut session)[0].1), "NetStream.Unpublish.Success");
    }
    let bare = command(0, &[Amf::Text("deleteStream"), Amf::Number(0.0)]);
    assert_eq!(feed(&mut publishing(), bare), [Action::End(End::Unpublished)]);
    let close = named("closeStream", 0.0, Amf::Null);
    assert_eq!(feed(&mut publishing(), close), [Action::End(End::Unpublished)]);
    let other = named("deleteStream", 0.0, Amf::Number(2.0));
    assert_eq!(feed(&mut publishing(), other), []);
}

#[test]
fn publish_takes_any_type_or_none_and_only_once() {
    for kind in [Some("live"), Some("RECORD"), Some("append"), Some("odd"), None] {
        let mut session = connected();
        let mut values = vec![Amf::Text("publish"), Amf::Number(0.0), Amf::Null, Amf::Text("k")];
        values.extend(kind.map(Amf::Text));
        assert!(matches!(feed(&mut session, command(1, &values))[..], [Action::Publish(_)]));
    }
    let mut session = publishing();
    assert_eq!(feed(&mut session, named("publish", 6.0, Amf::Text("other"))), []);
    assert_eq!(code(&said(&mut session)[0].1), "NetStream.Publish.BadName");
}

#[test]
fn nothing_is_done_before_connect() {
    for name in ["publish", "createStream"] {
        let mut session = Session::new();
        let refused = session.handle(named(name, 1.0, Amf::Text("k")), &mut Vec::new());
        assert_eq!(refused, Err(SessionError::NotConnected));
    }
}

#[test]
fn playback_is_refused_with_a_sentence() {
    let mut session = connected();
    let actions = feed(&mut session, named("play", 3.0, Amf::Text("k")));
    assert_eq!(actions, [Action::End(End::Playback)]);
    assert_eq!(code(&said(&mut session)[0].1), "NetStream.Play.Failed");
}

#[test]
fn acknowledgements_tell_the_total_modulo_2_to_the_32() {
    let mut session = connected();
    let window = 1_000_000_u32;
    let asked =
        Message { kind: 5, stream: 0, timestamp: 0, body: window.to_be_bytes().to_vec().into() };
    feed(&mut session, asked);
    let mut last = 0;
    for n in 1..=5000_u64 {
        session.note_received(1_000_000);
        let told = replies(&mut session);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].kind, kind::ACKNOWLEDGEMENT);
        last = told[0].number().unwrap();
        assert_eq!(u64::from(last), n * 1_000_000 % (1 << 32));
    }
    assert!(last < 1_000_000_000, "5 GB must have wrapped");
    session.note_received(999_999);
    assert!(replies(&mut session).is_empty());
}

#[test]
fn a_window_of_one_byte_does_not_make_every_byte_an_answer() {
    let mut session = connected();
    let asked = Message { kind: 5, stream: 0, timestamp: 0, body: vec![0, 0, 0, 1].into() };
    feed(&mut session, asked);
    session.note_received(100);
    assert!(replies(&mut session).is_empty());
}

#[test]
fn pings_are_answered_and_odd_control_messages_ignored() {
    let mut session = publishing();
    let control = |body: &[u8]| Message {
        kind: kind::USER_CONTROL,
        stream: 0,
        timestamp: 0,
        body: Bytes::copy_from_slice(body),
    };
    feed(&mut session, control(&[0, 6, 1, 2, 3, 4]));
    assert_eq!(replies(&mut session)[0].body.as_ref(), [0, 7, 1, 2, 3, 4]);
    for odd in [&[][..], &[0], &[0, 6], &[0, 6, 1], &[0, 99, 1, 2, 3, 4], &[0, 7, 1, 2, 3, 4]] {
        feed(&mut session, control(odd));
    }
    for kind in (0..=255).filter(|kind| ![8, 9, 17, 20, 22].contains(kind)) {
        feed(&mut session, Message { kind, stream: 0, timestamp: 0, body: Bytes::new() });
    }
    assert!(replies(&mut session).is_empty());
}

#[test]
fn media_passes_only_while_publishing_and_metadata_changes_nothing() {
    let audio = Message { kind: 8, stream: 1, timestamp: 7, body: "\u{af}".into() };
    let metadata = command(1, &[Amf::Text("@setDataFrame"), Amf::Text("onMetaData")]);
    let metadata = Message { kind: kind::DATA_AMF0, ..metadata };
    let mut session = connected();
    assert!(feed(&mut session, audio.clone()).is_empty());
    let mut session = publishing();
    for _ in 0..20 {
        assert!(feed(&mut session, metadata.clone()).is_empty());
    }
    let passed = feed(&mut session, audio.clone());
    let expected = Action::Media { kind: MediaKind::Audio, timestamp: 7, body: audio.body.clone() };
    assert_eq!(passed, [expected]);
    assert!(feed(&mut session, Message { body: Bytes::new(), ..audio }).is_empty());
    let counts = session.take_counts();
    assert_eq!((counts.audio, counts.video, counts.other), (2, 0, 20));
}

#[test]
fn of_the_metadata_only_the_announced_bitrate_counts_however_often_it_comes() {
    let mut body = vec![2, 0, 10];
    body.extend(b"onMetaData");
    body.extend([8, 0, 0, 0, 9, 0, 13]);
    body.extend(b"videodatarate");
    body.push(0);
    body.extend(2500f64.to_be_bytes());
    body.extend([0, 0, 9]);
    let metadata = Message { kind: 18, stream: 1, timestamp: 0, body: body.into() };
    let mut session = publishing();
    for _ in 0..20 {
        assert_eq!(feed(&mut session, metadata.clone()), [Action::Announce(2_500_000)]);
    }
}

#[test]
fn an_aggregate_is_passed_on_as_its_messages() {
    let mut body = vec![8, 0, 0, 1, 0, 0, 10, 0, 0, 0, 0, b'a', 0, 0, 0, 12];
    body.extend([9, 0, 0, 1, 0, 0, 30, 0, 0, 0, 0, b'v', 0, 0, 0, 12]);
    let aggregate = Message { kind: 22, stream: 1, timestamp: 100, body: body.into() };
    let times: Vec<u32> = feed(&mut publishing(), aggregate)
        .iter()
        .map(|action| match action {
            Action::Media { timestamp, .. } => *timestamp,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(times, [100, 120]);
}

#[test]
fn commands_of_the_amf3_type_are_understood() {
    let mut session = Session::new();
    let plain = connect();
    let body = [&[0][..], &plain.body].concat().into();
    feed(&mut session, Message { kind: kind::COMMAND_AMF3, body, ..plain });
    assert_eq!(code(&said(&mut session)[0].1), "NetConnection.Connect.Success");
}

#[test]
fn message_streams_are_bounded() {
    let mut session = connected();
    for _ in 0..=MESSAGE_STREAMS_MAX {
        feed(&mut session, named("createStream", 3.0, Amf::Null));
    }
    let answers = said(&mut session);
    assert_eq!(answers.last().unwrap().1[0], Value::Text("_error".into()));
    assert_eq!(answers.len(), 17);
}

#[test]
fn an_intent_does_not_show_its_key() {
    let intent = Intent { key: Some("verysecret".into()), encoder: "e".into() };
    assert!(!format!("{:?}", Action::Publish(intent)).contains("verysecret"));
}

#[test]
fn a_whole_opening_in_pieces_of_any_size_ends_in_the_same_request() {
    let bytes = [handshake(), opening("k%20ey?x=1")].concat();
    for piece in [1, 2, 999, bytes.len()] {
        let mut wire = Wire::new();
        let mut actions = Vec::new();
        for piece in bytes.chunks(piece) {
            wire.input().extend_from_slice(piece);
            wire.advance(&mut actions).unwrap();
        }
        let [Action::Publish(intent)] = &actions[..] else { panic!("{actions:?}") };
        assert_eq!(intent.key.as_deref(), Some("k ey"));
    }
}

#[test]
fn media_sent_together_with_publish_waits_for_the_answer() {
    let mut wire = open_wire();
    let frame = Message { kind: 9, stream: 1, timestamp: 0, body: vec![1; 100_000].into() };
    wire.input().extend_from_slice(&[opening("k"), chunked(&frame, 6, 4096)].concat());
    let mut actions = Vec::new();
    wire.advance(&mut actions).unwrap();
    assert!(matches!(actions[..], [Action::Publish(_)]));
    wire.accept();
    wire.advance(&mut actions).unwrap();
    let Some(Action::Media { body, .. }) = actions.get(1) else { panic!("no media") };
    assert_eq!(body, &frame.body);
}

proptest! {
    #[test]
    fn a_mutated_session_never_panics_and_holds_little(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        piece in 1_usize..3000,
        greeted in any::<bool>(),
    ) {
        let mut bytes = [handshake(), opening("key")].concat();
        for n in 0..6_u8 {
            bytes.extend(full(4 + u32::from(n % 2), u32::from(n) * 20, 8 + n % 2, 1, &[n; 200]));
        }
        let first = if greeted { handshake().len() } else { 0 };
        for (at, byte) in &changes {
            let at = first + at.index(bytes.len() - first);
            bytes[at] = *byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        drive(&bytes, piece)?;
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_hold_little(
        bytes in prop::collection::vec(any::<u8>(), 0..5000),
        greeted in any::<bool>(),
        piece in 1_usize..3000,
    ) {
        let head = if greeted { handshake() } else { vec![3] };
        drive(&[head, bytes].concat(), piece)?;
    }

    #[test]
    fn arbitrary_commands_never_panic(
        body in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 3, 5, 8, 9, 10, 12, 16, 97, 255]), 0..200),
        kind in prop::sample::select(vec![4_u8, 5, 15, 17, 18, 20, 22]),
    ) {
        let mut session = publishing();
        let message = Message { kind, stream: 1, timestamp: 0, body: body.into() };
        let _ = session.handle(message, &mut Vec::new());
    }
}

/// Runs bytes through a wire as the shell does, every publisher accepted.
fn drive(bytes: &[u8], piece: usize) -> Result<(), TestCaseError> {
    let (mut wire, mut actions) = (Wire::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        wire.input().extend_from_slice(piece);
        loop {
            if wire.advance(&mut actions).is_err() {
                return Ok(());
            }
            prop_assert!(wire.held() <= super::super::chunk::ASSEMBLY_BYTES_MAX);
            let asked = actions.drain(..).any(|action| matches!(action, Action::Publish(_)));
            wire.session().replies().take();
            if !asked {
                break;
            }
            wire.accept();
        }
    }
    Ok(())
}
