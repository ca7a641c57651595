// The list of live streams; asks again while the page is looked at.
const EVERY_MS = 4000;
const cards = document.querySelector('#cards');
const empty = document.querySelector('#empty');
const known = new Map();

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function make(stream) {
  const item = document.createElement('li');
  const link = element('a', 'card');
  link.href = '/watch/' + encodeURIComponent(stream.channel);
  const art = element('div', 'art');
  const poster = element('div', 'poster');
  poster.setAttribute('aria-hidden', 'true');
  poster.append(element('i', ''), element('i', ''), element('i', ''));
  const pill = element('span', 'pill', '');
  art.append(poster, pill);
  const text = element('div', 'text');
  const name = element('div', 'name');
  const count = element('div', 'count');
  text.append(name, count);
  link.append(art, text);
  item.append(link);
  return { item, pill, name, count };
}

function show(streams) {
  const seen = new Set(streams.map((one) => one.channel));
  for (const [channel, card] of known) {
    if (!seen.has(channel)) {
      card.item.remove();
      known.delete(channel);
    }
  }
  for (const stream of streams) {
    const card = known.get(stream.channel) ?? make(stream);
    known.set(stream.channel, card);
    card.name.textContent = stream.title;
    const viewers = stream.viewers === 1 ? '1 viewer' : stream.viewers + ' viewers';
    card.pill.textContent = stream.state;
    card.pill.dataset.state = stream.state;
    card.count.textContent = { private: 'in a private session', members: 'for members', ticket: 'with a ticket' }[stream.state] ?? viewers;
    if (!card.item.isConnected) cards.append(card.item);
  }
  empty.hidden = streams.length > 0;
  empty.textContent = 'Nobody is live right now. This page notices when somebody starts.';
}

async function look() {
  try {
    const answer = await fetch('/live.json', { cache: 'no-store' });
    if (answer.ok) show((await answer.json()).streams);
  } catch {
    empty.hidden = known.size > 0;
    empty.textContent = 'The server does not answer. Trying again…';
  }
}

async function loop() {
  if (!document.hidden) await look();
  setTimeout(loop, EVERY_MS);
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
loop();
