//! What somebody between two nodes sees.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use serde_json::json;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use super::joining::Host;
use super::*;

/// What cannot be there by chance.
const WINDOW: usize = 16;
/// Larger than any datagram.
const DATAGRAM_BYTES: usize = 65_536;

/// Stands between two nodes: what is sent to its address goes on to the target, and the answers back.
struct Relay {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Ends with the relay.
    _pumping: JoinSet<()>,
}

impl Relay {
    async fn to(target: SocketAddr) -> Self {
        let front = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let address = front.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut pumping = JoinSet::new();
        pumping.spawn(pump(front, target, Arc::clone(&seen)));
        Self { address, seen, _pumping: pumping }
    }
}

/// Each sender has a socket of its own towards the target, so that it can be told whom an answer is for.
async fn pump(front: Arc<UdpSocket>, target: SocketAddr, seen: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut backs: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut answering = JoinSet::new();
    let mut buffer = vec![0; DATAGRAM_BYTES];
    loop {
        let (length, from) = front.recv_from(&mut buffer).await.unwrap();
        seen.lock().push(buffer[..length].to_vec());
        let back = match backs.get(&from) {
            Some(back) => Arc::clone(back),
            None => {
                let back = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
                back.connect(target).await.unwrap();
                backs.insert(from, Arc::clone(&back));
                let (own, front, seen) = (Arc::clone(&back), Arc::clone(&front), Arc::clone(&seen));
                answering.spawn(answers(own, front, from, seen));
                back
            }
        };
        // What the target does not take is lost, as on any network.
        let _ = back.send(&buffer[..length]).await;
    }
}

async fn answers(
    back: Arc<UdpSocket>,
    front: Arc<UdpSocket>,
    to: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
) {
    let mut buffer = vec![0; DATAGRAM_BYTES];
    loop {
        let Ok(length) = back.recv(&mut buffer).await else { continue };
        seen.lock().push(buffer[..length].to_vec());
        let _ = front.send_to(&buffer[..length], to).await;
    }
}

/// How many datagrams show a window of one of the texts.
fn shown(datagrams: &[Vec<u8>], texts: &[&[u8]]) -> usize {
    let windows: HashSet<&[u8]> = texts.iter().flat_map(|text| text.windows(WINDOW)).collect();
    let shows = |one: &&Vec<u8>| one.windows(WINDOW).any(|window| windows.contains(window));
    datagrams.iter().filter(shows).count()
}

/// Bytes of which every window is another one, as text that a person would recognise.
fn recognisable(word: &str, lines: usize) -> Vec<u8> {
    (0..lines)
        .flat_map(|line| format!("{word} {line:08} of the secret show\n").into_bytes())
        .collect()
}

/// Reads streams of parts and counts their bytes.
fn parts(node: &Node) -> tokio::sync::mpsc::UnboundedReceiver<Vec<u8>> {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    node.link.on_stream("part", move |_, _, mut reader| {
        let sender = sender.clone();
        Box::pin(async move {
            let mut whole = Vec::new();
            while let Ok(Some(bytes)) = reader.next().await {
                whole.extend_from_slice(&bytes);
            }
            let _ = sender.send(whole);
        })
    });
    receiver
}

#[tokio::test]
async fn who_stands_between_two_nodes_sees_nothing_of_join_request_and_media() {
    let host = Host::new();
    let relay = Relay::to(host.voter.socket()).await;
    let (token, key) = (host.invite(), NodeKey::new().unwrap());
    let joined = host.join_at(relay.address, &token, &key, &["edge", "voter"]).await.unwrap();
    let authority = joined.authority.as_ref().unwrap().to_pem();
    let node = host.cluster.start(Arc::new(joined.trust().unwrap()), None, |_| {});
    host.voter.link.set_peers(vec![node.address()]);
    node.link.set_peers(vec![PeerAddress { node: id(5), addresses: vec![relay.address] }]);
    node.sees(id(5), PeerState::Connected).await;
    echo(&host.voter);
    let request = recognisable("request", 200);
    let answer = node.link.call(id(5), "echo", Bytes::from(request.clone()), PATIENCE).await;
    assert_eq!(answer.unwrap(), request);
    let (part, mut taken) = (recognisable("part", 5000), parts(&host.voter));
    let mut writer = node.link.open(id(5), "part", &json!({"msn": 7}), 0).await.unwrap();
    writer.write(Bytes::from(part.clone())).await.unwrap();
    writer.delivered().await.unwrap();
    let arrived = tokio::time::timeout(PATIENCE, taken.recv()).await.unwrap();
    assert_eq!(arrived.unwrap(), part);

    let texts: [&[u8]; 4] =
        [&request, &part, authority.as_bytes(), &token.to_string().into_bytes()];
    let datagrams = relay.seen.lock().clone();
    let bytes: usize = datagrams.iter().map(Vec::len).sum();
    let least = 2 * request.len() + part.len() + authority.len();
    assert!(bytes > least, "the relay was gone round: {bytes} of {least} bytes");
    assert_eq!(shown(&datagrams, &texts), 0);
    // The same eyes see what is sent in plain.
    let plain = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    plain.send_to(&part[1000..1000 + WINDOW], relay.address).await.unwrap();
    let before = datagrams.len();
    let seen = async {
        while shown(&relay.seen.lock()[before..], &texts) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("the plain datagram is seen");
}
