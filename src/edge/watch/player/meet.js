// A private session as its viewer meets it: what it costs, joining, what was billed so far, the receipt.

const LOOK_MS = 3000;
const BEAT_MS = 1000;
const MEANS_MS = 30000;

/** Why something paused or ended, in words. */
const WHY = {
  viewer: 'you left',
  streamer: 'the streamer ended it',
  operator: 'an operator ended it',
  viewer_gone: 'your player stopped',
  streamer_gone: 'the streamer was gone for too long',
  balance: 'your balance is used up',
  ledger: 'the payment service did not answer',
  cap: 'the most you wanted to pay is reached',
};
const PAUSED = {
  viewer_gone: 'paused: nothing plays, nothing is billed',
  streamer_gone: 'paused: nothing arrives, nothing is billed',
  balance: 'paused: your balance is used up',
  ledger: 'paused: the payment service does not answer',
  cap: 'paused: the most you wanted to pay is reached',
};
const PER = { second: '', '6 seconds': ', counted by 6 seconds', minute: ', whole minutes', 'started minute': ', started minutes' };

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function clock(seconds) {
  return Math.floor(seconds / 60) + ':' + String(seconds % 60).padStart(2, '0');
}

/** Whether `video` shows something new since it was last asked. */
function eye(video) {
  let before = -1;
  return () => {
    const now = video.currentTime;
    const plays = !video.paused && video.readyState > 2 && now !== before;
    before = now;
    return plays;
  };
}

/** Shows the sessions of `channel` in `box`; `changed` is called when what may be seen of the stream is another one. */
export function meet(channel, box, video, changed) {
  const plays = eye(video);
  let id = null;
  let drawn = '';
  // What can be spent, and when that was asked; only the ledger knows, so it is not asked with every look.
  let means = null;
  let asked = -MEANS_MS;
  /** What was typed as the most to pay, by the price's name. */
  const caps = {};
  let inside = false;

  async function ask(what, body) {
    const options = body === undefined
      ? { cache: 'no-store' }
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch('/session/' + what, options);
    const said = await answer.json().catch(() => null);
    if (!answer.ok || !said) throw new Error(said?.message ?? 'the server could not do it');
    return said;
  }

  async function look() {
    try {
      const which = id ? 'session=' + id : 'channel=' + encodeURIComponent(channel);
      const due = !inside && performance.now() - asked >= MEANS_MS;
      const state = await ask('state?' + which + (due ? '&available' : ''));
      if (due && state.session && !state.you) {
        means = state.available;
        asked = performance.now();
      }
      show(state);
    } catch {
      // The next look will tell.
    }
  }

  async function beat() {
    if (!inside || !plays()) return;
    try {
      show(await ask('beat', { session: id }));
    } catch {
      // Not proved, not billed.
    }
  }

  async function act(what, body) {
    try {
      show(await ask(what, body));
    } catch (error) {
      trouble(error.message);
    }
  }

  function trouble(text) {
    box.querySelector('.trouble').textContent = text.charAt(0).toUpperCase() + text.slice(1) + '.';
  }

  function show(state) {
    const { session, you } = state;
    const was = inside;
    inside = Boolean(you && !you.left);
    // Whoever took part is told of that session until he closes its receipt.
    id = you ? session.id : null;
    if (inside !== was) changed(inside);
    draw(state);
  }

  function draw(state) {
    const { session, you } = state;
    const wanted = JSON.stringify([session?.id, session?.stage, session?.prices, session?.open_to_you, means, Boolean(you), you?.left]);
    if (wanted !== drawn) {
      drawn = wanted;
      box.replaceChildren(...parts(state));
      box.hidden = !box.childElementCount;
    }
    if (you) tell(state);
  }

  function parts({ session, you }) {
    const alert = element('p', { class: 'trouble', role: 'alert' });
    if (!session) return [];
    const words = element('p', { class: 'meet-words', role: 'status' });
    if (you && !you.left) {
      const leave = element('button', { type: 'button', class: 'plain-button' }, 'Leave the session');
      leave.addEventListener('click', () => act('leave', { session: session.id }));
      return [words, leave, alert];
    }
    if (you) {
      const done = element('button', { type: 'button', class: 'plain-button' }, 'Close');
      done.addEventListener('click', () => { id = null; drawn = ''; box.replaceChildren(); box.hidden = true; });
      return [words, done, alert];
    }
    if (session.stage === 'ended') return [];
    if (!session.open_to_you || means === null) {
      words.textContent = session.open_to_you || session.stage !== 'offered'
        ? ''
        : 'A private session is offered here. Sign in to see whether you can join.';
      return words.textContent ? [words, alert] : [];
    }
    return [...session.prices.map((price) => offer(session, price)), alert];
  }

  function offer(session, price) {
    const cap = element('input', {
      id: 'cap-' + price.name, inputmode: 'decimal', required: '', size: '8', autocomplete: 'off',
      value: caps[price.name] ?? means, 'aria-describedby': 'terms-' + price.name,
    });
    const terms = [
      price.rate + ' ' + session.currency + ' per minute' + PER[price.count],
      price.free_seconds ? 'the first ' + price.free_seconds + ' s are free' : '',
      price.minimum_seconds ? 'at least ' + price.minimum_seconds + ' s if you end it' : '',
      'you have ' + means + ' ' + session.currency,
    ].filter(Boolean).join(' · ');
    cap.addEventListener('input', () => { caps[price.name] = cap.value; });
    const full = price.taken >= price.places;
    const join = element('button', { type: 'submit', class: 'plain-button' },
      full ? 'Taken' : price.name === 'guest' ? 'Join the private session' : 'Join as ' + price.name);
    join.disabled = full;
    const form = element('form', { class: 'meet-offer', 'aria-label': price.name },
      element('p', { class: 'meet-words', id: 'terms-' + price.name }, terms),
      element('label', { for: cap.id }, 'Pay at most'), cap, join);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      act('join', { session: session.id, price, cap: cap.value.trim() });
    });
    return form;
  }

  function tell({ session, you }) {
    const words = box.querySelector('.meet-words');
    if (!words) return;
    const paid = you.billed + ' ' + session.currency;
    const time = clock(you.delivered_seconds);
    words.textContent = you.left
      ? (you.settled ? 'You paid ' : 'So far ') + paid + ' for ' + time + ' — ' + (WHY[you.left] ?? you.left)
      : [
        'Private session', paid + ' of at most ' + you.cap, time,
        you.paused ? PAUSED[you.paused] ?? you.paused : you.left_seconds !== null ? you.left_seconds + ' s left' : '',
      ].filter(Boolean).join(' · ');
    box.classList.toggle('low', !you.left && you.left_seconds !== null);
  }

  // What is typed here is no shortcut of the player.
  box.addEventListener('keydown', (event) => event.stopPropagation());
  look();
  setInterval(look, LOOK_MS);
  setInterval(beat, BEAT_MS);
}
