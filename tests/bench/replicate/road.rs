//! A slow and lossy road to a node: datagrams to its door arrive at it later, or never, and so do its answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use socket2::SockRef;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use weir::link::endpoint::SOCKET_BUFFER_BYTES;

/// Datagrams on the way in one direction; more are lost. A second of all streams is a tenth of it.
const ON_THE_WAY_MAX: usize = 1 << 16;
const DATAGRAM_BYTES_MAX: usize = 1 << 16;

/// What happens on a road, in each direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quality {
    pub(crate) delay: Duration,
    /// Of all datagrams, so many are lost.
    pub(crate) loss: f64,
}

/// Opens a road to `node` and says where it begins. It is there as long as the runtime.
pub(crate) async fn to(node: SocketAddr, quality: Quality) -> SocketAddr {
    let door = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let back = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    for socket in [&door, &back] {
        // It must lose nothing by itself.
        let options = SockRef::from(&**socket);
        options.set_recv_buffer_size(SOCKET_BUFFER_BYTES).unwrap();
        options.set_send_buffer_size(SOCKET_BUFFER_BYTES).unwrap();
    }
    back.connect(node).await.unwrap();
    let address = door.local_addr().unwrap();
    // Whoever came last is answered: one node dials another.
    let caller = Arc::<Mutex<Option<SocketAddr>>>::default();
    let (there, to_node) = mpsc::channel(ON_THE_WAY_MAX);
    let (here, to_caller) = mpsc::channel(ON_THE_WAY_MAX);
    let (socket, seen) = (Arc::clone(&door), Arc::clone(&caller));
    tokio::spawn(async move {
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        while let Ok((length, from)) = socket.recv_from(&mut datagram).await {
            *seen.lock() = Some(from);
            enter(&there, &datagram[..length], quality);
        }
    });
    let socket = Arc::clone(&back);
    tokio::spawn(async move {
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        while let Ok(length) = socket.recv(&mut datagram).await {
            enter(&here, &datagram[..length], quality);
        }
    });
    tokio::spawn(leave(to_node, move |datagram| drop(back.try_send(&datagram))));
    tokio::spawn(leave(to_caller, move |datagram| {
        if let Some(caller) = *caller.lock() {
            // A full socket loses it, as a full road does.
            let _ = door.try_send_to(&datagram, caller);
        }
    }));
    address
}

type OnTheWay = (Instant, Vec<u8>);

fn enter(road: &mpsc::Sender<OnTheWay>, datagram: &[u8], quality: Quality) {
    if rand::random::<f64>() >= quality.loss {
        let _ = road.try_send((Instant::now() + quality.delay, datagram.to_vec()));
    }
}

async fn leave(mut road: mpsc::Receiver<OnTheWay>, arrive: impl Fn(Vec<u8>)) {
    while let Some((due, datagram)) = road.recv().await {
        sleep_until(due).await;
        arrive(datagram);
    }
}
