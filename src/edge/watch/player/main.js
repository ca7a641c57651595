// The watch page: follows the stream's state and plays while there is something to play.
import { Engine } from './engine.js';
import { offer, wire } from './controls.js';
import { meet } from './meet.js';
import { follow } from './state.js';

const root = document.documentElement;
const by = (id) => document.getElementById(id);
const stage = by('stage');
const video = by('video');
const channel = decodeURIComponent(location.pathname.split('/')[2] ?? '');

/** What viewers read in place of a picture. */
const WORDS = {
  loading: ['Loading', ''],
  unknown: ['There is no such channel', 'Check the address, or see who is live.'],
  offline: ['Offline', 'The stream will start here by itself.'],
  starting: ['Starting', 'The first pictures are on their way.'],
  private: [channel + ' is in a private session', 'When it is public again, it goes on here by itself.'],
  members: [channel + ' is for its members', 'Sign in if you are one.'],
  ticket: ['A ticket opens ' + channel, 'Sign in if you have one.'],
  ended: ['The show has ended', 'If another one begins, it will start here by itself.'],
  refused: ['Your viewing was ended', 'An operator of this site ended it. Reload the page to ask again.'],
  unsupported: ['This browser cannot play the stream', 'It supports neither media source extensions nor HLS.'],
};

/** Longer than the server takes to tell a page of a change. */
const LOOK_MS = 2000;

let engine = null;
let show = null;
/** Runs while the last seconds of a show are still seen. */
let ending = 0;
/** The viewer pays for what the player takes: it takes nothing that nobody watches. */
let metered = false;

function say(state) {
  root.dataset.state = state;
  const [title, text] = WORDS[state] ?? ['', ''];
  by('notice-title').textContent = title;
  by('notice-text').textContent = text;
  by('pill').textContent = { live: 'live', starting: 'starting', private: 'private', members: 'members', ticket: 'ticket', ended: 'ended', offline: 'offline' }[state] ?? '';
}

function play() {
  video.play().catch(async (error) => {
    if (error.name !== 'NotAllowedError') return;
    // Browsers let a page begin without sound; the viewer turns it on.
    video.muted = true;
    try {
      await video.play();
      by('unmute').hidden = false;
    } catch {
      by('start').hidden = false;
      if (metered) engine?.hold();
    }
  });
}

function begin() {
  engine?.stop();
  engine = new Engine(video, '/live/' + encodeURIComponent(channel) + '/index.m3u8', heard);
  say('live');
  play();
}

function heard(what, detail) {
  if (what === 'levels') offer(detail);
  if (what === 'trouble') by('spinner').hidden = false;
  if (what === 'well') {
    by('spinner').hidden = video.readyState > 2 || video.paused;
    if (video.paused && video.currentTime === 0) play();
  }
  if (what === 'refused' && ['private', 'members', 'ticket'].includes(detail)) {
    finish(detail);
    // It may be over before the server has told this page of it.
    setTimeout(ask, LOOK_MS);
    return;
  }
  if (what === 'refused' || what === 'unsupported') {
    engine = null;
    show = what;
    say(what);
  }
}

function finish(state) {
  clearTimeout(ending);
  ending = 0;
  engine?.stop();
  engine = null;
  show = null;
  by('spinner').hidden = true;
  by('unmute').hidden = true;
  by('start').hidden = true;
  say(state);
}

/** Whoever still watches the last seconds sees them to the end; gaps behind them are not waited for. */
function end() {
  const at = video.currentTime;
  let ahead = 0;
  for (let n = 0; n < video.buffered.length; n++) {
    if (video.buffered.start(n) <= at && at < video.buffered.end(n)) ahead = video.buffered.end(n) - at;
  }
  if (!engine || video.paused || ahead < 0.1) finish('ended');
  else if (!ending) ending = setTimeout(() => finish('ended'), ahead * 1000);
}

/** What opens a channel, in a sentence. */
function cost({ kind, price, currency, period_secs }) {
  const days = period_secs / 86400;
  const time = days === 1 ? 'a day' : days >= 1 ? Math.round(days * 10) / 10 + ' days' : Math.round(period_secs / 60) + ' minutes';
  return kind === 'members' ? `${price} ${currency} for ${time}. ` : `${price} ${currency}. `;
}

function tell(stream) {
  if (show === 'refused' || show === 'unsupported') return;
  if (stream === null) {
    finish('unknown');
    return;
  }
  document.title = stream.title + ' · Weir';
  by('title').textContent = stream.title;
  by('viewers').textContent = stream.state !== 'live' ? '' : stream.viewers === 1 ? '1 viewer' : stream.viewers + ' viewers';
  if (stream.state === 'live' && stream.playable) {
    clearTimeout(ending);
    ending = 0;
    if (!engine || show !== stream.show) begin();
    show = stream.show;
  } else if (stream.state === 'live') {
    finish('starting');
  } else if (stream.state === 'ended') {
    end();
  } else {
    finish(stream.state);
    if (stream.access) by('notice-text').textContent = cost(stream.access) + WORDS[stream.state][1];
  }
}

video.addEventListener('ended', () => finish('ended'));
video.addEventListener('pause', () => { if (metered && !video.ended) engine?.hold(); });
video.addEventListener('play', () => engine?.release());
say('loading');
wire(stage, video, () => engine);
const { ask, again } = follow(channel, tell);
// Who joins or leaves a session sees another stream at the same address.
meet(channel, by('meet'), video, (inside) => {
  metered = inside;
  again();
  if (engine) begin();
});
