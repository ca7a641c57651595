//! The socket that obeys the rules: what is late waits in the network's heap for a loop of its own.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller};

use super::{Faults, Next, RECORDED_MAX, Shared, WAITING_MAX, Waiting, canonical};
use crate::link::World;

/// Puts the faults before `inner`.
pub(in crate::link) fn wrap(
    faults: &Faults,
    inner: Arc<dyn AsyncUdpSocket>,
    world: &World,
) -> Arc<dyn AsyncUdpSocket> {
    let socket = Arc::new(Socket { inner, shared: Arc::clone(&faults.shared) });
    let (sender, mut stop) = (Arc::clone(&socket), world.stop.clone());
    world.short(async move {
        tokio::select! {
            () = sender.send_late_ones() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    });
    socket
}

struct Socket {
    inner: Arc<dyn AsyncUdpSocket>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FaultSocket").field(&self.inner).finish()
    }
}

/// What to do with a datagram now.
enum Now {
    Send,
    Nothing,
}

impl Socket {
    fn decide(&self, transmit: &Transmit<'_>) -> Now {
        let mut network = self.shared.network.lock();
        let to = canonical(transmit.destination);
        if let Some(recorded) = &mut network.recorded
            && recorded.len() < RECORDED_MAX
        {
            recorded.push(transmit.contents.to_vec());
        }
        let rule = network.to.get(&to).copied().unwrap_or(network.everywhere);
        if rule.is_clean() {
            return Now::Send;
        }
        let fate = network.dice.throw(&rule);
        let now = TokioRuntime.now();
        let sent = network.through_the_pipe(to, &rule, transmit.contents.len(), now);
        let (false, Some(sent)) = (fate.lost, sent) else {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            return Now::Nothing;
        };
        let mut bytes = transmit.contents.to_vec();
        if let Some(flip) = fate.flip {
            let at = (flip >> 3) % (bytes.len().max(1) as u64);
            if let Some(byte) = bytes.get_mut(usize::try_from(at).unwrap_or_default()) {
                *byte ^= 1 << (flip & 7);
            }
        }
        for _ in 0..fate.copies {
            if network.waiting.len() == WAITING_MAX {
                self.shared.lost.fetch_add(1, Ordering::Relaxed);
                break;
            }
            network.order += 1;
            let order = network.order;
            let waiting = Waiting {
                due: sent + fate.late,
                order,
                to: transmit.destination,
                bytes: bytes.clone(),
            };
            network.waiting.push(waiting);
        }
        self.shared.wake.notify_one();
        Now::Nothing
    }

    async fn send_late_ones(self: Arc<Self>) {
        let mut poller = Arc::clone(&self.inner).create_io_poller();
        loop {
            let next = {
                let mut network = self.shared.network.lock();
                network.due(TokioRuntime.now())
            };
            match next {
                Next::Now(waiting) => {
                    let transmit = Transmit {
                        destination: waiting.to,
                        ecn: None,
                        contents: &waiting.bytes,
                        segment_size: None,
                        src_ip: None,
                    };
                    while let Err(error) = self.inner.try_send(&transmit) {
                        if error.kind() != io::ErrorKind::WouldBlock {
                            break;
                        }
                        let writable = std::future::poll_fn(|cx| poller.as_mut().poll_writable(cx));
                        if writable.await.is_err() {
                            break;
                        }
                    }
                }
                Next::In(wait) => {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.shared.wake.notified() => {}
                    }
                }
                Next::Nothing => self.shared.wake.notified().await,
            }
        }
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.inner).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        match self.decide(transmit) {
            Now::Send => self.inner.try_send(transmit),
            Now::Nothing => Ok(()),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [io::IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = ready!(self.inner.poll_recv(cx, bufs, meta))?;
        let network = self.shared.network.lock();
        for one in meta.iter_mut().take(received) {
            if network.from_blocked.get(&canonical(one.addr)).copied().unwrap_or(false) {
                self.shared.lost.fetch_add(1, Ordering::Relaxed);
                // A datagram of no bytes is passed over.
                one.len = 0;
            }
        }
        Poll::Ready(Ok(received))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// One, so that each datagram has its own fate.
    fn max_transmit_segments(&self) -> usize {
        1
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}
