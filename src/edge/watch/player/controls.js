// Buttons, keys and what they show.

const HIDE_MS = 2600;
const SEEK_S = 5;
const BEHIND_S = 2;
const by = (id) => document.getElementById(id);

/** Wires the controls of `video` inside `stage`; `engine()` gives the current engine or null. */
export function wire(stage, video, engine) {
  const toggle = () => { if (video.paused) play(); else video.pause(); };
  const mute = () => { video.muted = !video.muted; if (!video.muted && video.volume === 0) video.volume = 0.5; };
  const fullscreen = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (stage.requestFullscreen) stage.requestFullscreen().catch(() => {});
    else video.webkitEnterFullscreen?.();
  };
  const play = () => {
    // Whoever comes back from a pause wants to see what happens now.
    if (engine()?.behind() > BEHIND_S) engine().toEdge();
    return video.play().catch(() => {});
  };

  by('play').onclick = toggle;
  by('mute').onclick = mute;
  by('fullscreen').onclick = fullscreen;
  by('edge').onclick = () => { engine()?.toEdge(); play(); };
  by('start').onclick = () => { by('start').hidden = true; play(); };
  by('unmute').onclick = () => { video.muted = false; by('unmute').hidden = true; };
  by('volume').oninput = () => { video.volume = +by('volume').value; video.muted = video.volume === 0; };
  by('quality').onchange = () => engine()?.choose(+by('quality').value);
  video.onclick = (event) => { if (event.pointerType !== 'touch') toggle(); };
  video.ondblclick = fullscreen;

  keys(video, engine, { toggle, mute, fullscreen });
  mirror(stage, video);
  hide(stage, video);
  setInterval(() => show(stage, video, engine()), 500);
}

function keys(video, engine, act) {
  const seek = (by) => {
    const ranges = video.seekable;
    if (!ranges.length) return;
    const to = Math.max(video.currentTime + by, ranges.start(0));
    video.currentTime = Math.min(to, engine()?.edge() ?? ranges.end(ranges.length - 1));
  };
  const volume = (by) => { video.volume = Math.min(1, Math.max(0, video.volume + by)); video.muted = false; };
  const table = {
    ' ': act.toggle, k: act.toggle, m: act.mute, f: act.fullscreen,
    ArrowLeft: () => seek(-SEEK_S), ArrowRight: () => seek(SEEK_S),
    ArrowUp: () => volume(0.05), ArrowDown: () => volume(-0.05),
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const tag = event.target.tagName;
    // A focused control keeps the keys that belong to it.
    if (tag === 'SELECT' || (tag === 'INPUT' && event.key.startsWith('Arrow'))) return;
    if ((tag === 'BUTTON' || tag === 'A') && event.key === ' ') return;
    const action = table[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || document.documentElement.dataset.state !== 'live') return;
    event.preventDefault();
    action();
  });
}

function mirror(stage, video) {
  const update = () => {
    stage.classList.toggle('paused', video.paused);
    stage.classList.toggle('muted', video.muted || video.volume === 0);
    by('play').setAttribute('aria-label', video.paused ? 'Play' : 'Pause');
    by('mute').setAttribute('aria-label', video.muted ? 'Unmute' : 'Mute');
    by('volume').value = video.muted ? 0 : video.volume;
    if (!video.muted) by('unmute').hidden = true;
  };
  for (const name of ['play', 'pause', 'volumechange', 'emptied']) video.addEventListener(name, update);
  const waits = (hidden) => () => { by('spinner').hidden = hidden; };
  video.addEventListener('waiting', waits(false));
  for (const name of ['playing', 'pause', 'emptied', 'ended']) video.addEventListener(name, waits(true));
  document.addEventListener('fullscreenchange', () => {
    const full = document.fullscreenElement === stage;
    by('fullscreen').setAttribute('aria-label', full ? 'Leave full screen' : 'Full screen');
  });
  update();
}

function hide(stage, video) {
  let timer = 0;
  const wake = () => {
    stage.classList.remove('idle');
    clearTimeout(timer);
    timer = setTimeout(() => { if (!video.paused) stage.classList.add('idle'); }, HIDE_MS);
  };
  for (const name of ['pointermove', 'pointerdown', 'focusin']) stage.addEventListener(name, wake);
  document.addEventListener('keydown', wake);
  video.addEventListener('playing', wake);
  video.addEventListener('pause', wake);
}

function show(stage, video, engine) {
  const latency = engine?.latency() ?? null;
  by('latency').textContent = latency === null ? '' : latency.toFixed(1) + ' s behind';
  const behind = (engine?.behind() ?? 0) > BEHIND_S || video.paused;
  stage.classList.toggle('behind', behind);
  by('edge-text').textContent = behind ? 'Go live' : 'Live';
}

/** Offers the levels when there is a choice. */
export function offer(levels) {
  const select = by('quality');
  select.replaceChildren();
  const add = (value, text) => {
    const option = document.createElement('option');
    option.value = value;
    option.textContent = text;
    select.append(option);
  };
  add(-1, 'Auto');
  levels.forEach((level, at) => {
    add(at, level.height ? level.height + 'p' : Math.round(level.bitrate / 1000) + ' kbit/s');
  });
  by('quality-box').hidden = levels.length < 2;
}
