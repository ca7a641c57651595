// Plays a playlist in a video element: hls.js where media source extensions exist, else the browser's own HLS.
import Hls from 'hls.js';

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 10000;

/** One attempt to play `url` follows another until `stop` is called. `on` hears `levels`, `refused`, `trouble`, `well`. */
export class Engine {
  constructor(video, url, on) {
    this.video = video;
    this.url = url;
    this.on = on;
    this.hls = null;
    this.retryMs = FIRST_RETRY_MS;
    this.timer = 0;
    this.mediaErrors = 0;
    this.held = false;
    this.start();
  }

  start() {
    this.clear();
    if (Hls.isSupported()) this.startScripted();
    else this.startNative();
  }

  startScripted() {
    const hls = new Hls({
      lowLatencyMode: true,
      // Fragmented MP4 needs no transmuxing, so a worker would only add a copy.
      enableWorker: false,
      backBufferLength: 30,
      liveDurationInfinity: true,
      maxLiveSyncPlaybackRate: 1.1,
    });
    this.hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.on('levels', hls.levels));
    hls.on(Hls.Events.FRAG_BUFFERED, () => {
      this.retryMs = FIRST_RETRY_MS;
      this.on('well');
    });
    hls.on(Hls.Events.ERROR, (_, data) => this.failed(data));
    hls.loadSource(this.url);
    hls.attachMedia(this.video);
  }

  startNative() {
    if (!this.video.canPlayType('application/vnd.apple.mpegurl')) {
      this.on('unsupported');
      return;
    }
    this.video.src = this.url;
    this.video.onerror = () => this.again();
  }

  failed(data) {
    if (!data.fatal) return;
    if (data.response?.code === 403) {
      this.stop();
      this.on('refused', data.networkDetails?.getResponseHeader?.('weir-refused'));
      return;
    }
    // The first broken buffer is mended in place; one that breaks again is made anew.
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && this.mediaErrors++ === 0) {
      this.hls.recoverMediaError();
      setTimeout(() => { this.mediaErrors = 0; }, 20000);
      return;
    }
    this.again();
  }

  again() {
    this.on('trouble');
    this.clear();
    this.timer = setTimeout(() => this.start(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 1.7, LAST_RETRY_MS);
  }

  clear() {
    clearTimeout(this.timer);
    this.hls?.destroy();
    this.hls = null;
    this.video.onerror = null;
  }

  stop() {
    this.clear();
    this.video.removeAttribute('src');
    this.video.load();
  }

  /** Takes nothing more of the stream until it is released. */
  hold() {
    if (this.held) return;
    this.held = true;
    if (this.hls) this.hls.stopLoad();
    else this.stop();
  }

  release() {
    if (!this.held) return;
    this.held = false;
    if (this.hls) {
      this.hls.startLoad();
      return;
    }
    this.start();
    this.video.play().catch(() => this.on('trouble'));
  }

  /** Seconds behind the camera, or null while nobody knows. */
  latency() {
    if (this.hls) return this.hls.latency > 0 ? this.hls.latency : null;
    const start = this.video.getStartDate?.().getTime();
    return start > 0 ? (Date.now() - start) / 1000 - this.video.currentTime : null;
  }

  /** Seconds behind what the player itself aims at. */
  behind() {
    const edge = this.edge();
    return edge === null ? 0 : edge - this.video.currentTime;
  }

  edge() {
    if (this.hls) return this.hls.liveSyncPosition ?? null;
    const ranges = this.video.seekable;
    return ranges.length ? ranges.end(ranges.length - 1) - 1 : null;
  }

  toEdge() {
    const edge = this.edge();
    if (edge !== null) this.video.currentTime = edge;
  }

  /** Chooses a level; -1 lets the player choose. */
  choose(level) {
    if (this.hls) this.hls.nextLevel = level;
  }
}
