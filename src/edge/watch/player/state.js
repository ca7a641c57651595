// The stream's state as the server tells it: server-sent events, or asking every few seconds where they fail.

const ASK_MS = 3000;
const RETRY_MS = 15000;

/**
 * Calls `tell` with each state of `channel`; with `null` when there is no such channel.
 * What it returns asks at once (`ask`), or is told anew, as whoever is signed in now (`again`).
 */
export function follow(channel, tell) {
  const base = '/live/' + encodeURIComponent(channel);
  let asking = 0;
  let source = null;

  async function ask() {
    try {
      const answer = await fetch(base + '/state.json', { cache: 'no-store' });
      if (answer.status === 404) tell(null);
      else if (answer.ok) tell(await answer.json());
    } catch {
      // The next look will tell.
    }
  }

  function listen() {
    source = new EventSource(base + '/state');
    const mine = source;
    source.onmessage = (event) => {
      clearInterval(asking);
      asking = 0;
      tell(JSON.parse(event.data));
    };
    source.onerror = () => {
      if (!asking) {
        ask();
        asking = setInterval(ask, ASK_MS);
      }
      // A refusal closes the source for good; a lost connection is opened again by the browser.
      if (mine.readyState === EventSource.CLOSED && mine === source) setTimeout(listen, RETRY_MS);
    };
  }

  function again() {
    source.onmessage = source.onerror = null;
    source.close();
    listen();
  }

  listen();
  return { ask, again };
}
