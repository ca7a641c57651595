// The stream's state as the server tells it: server-sent events, or asking every few seconds where they fail.

const ASK_MS = 3000;
const RETRY_MS = 15000;

/** Calls `tell` with each state of `channel`; with `null` when there is no such channel. What it returns asks at once. */
export function follow(channel, tell) {
  const base = '/live/' + encodeURIComponent(channel);
  let asking = 0;

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
    const source = new EventSource(base + '/state');
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
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS);
    };
  }

  listen();
  return ask;
}
