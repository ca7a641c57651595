// The watch page of an edge in Chromium, while machines behind it die.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, launchChromium, Node, Publisher, WatchPage } from './weir.mjs';

// Several nodes, a Chromium and an encoder on two busy processors.
const SOON = 20_000;
const CORE = ['ingest', 'edge', 'voter'];

let browser;
const nodes = [];

before(async () => {
  nodes.push(await Node.start());
  for (const name of ['n1', 'n2']) nodes.push(await nodes[0].invite(name, CORE));
  nodes.push(await nodes[0].invite('n3', ['edge']));
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  for (const node of nodes.reverse()) await node.stop();
});

test('a viewer at an edge plays on when the ingest dies and the publisher goes to another one', async () => {
  const [first, second, , edge] = nodes;
  const key = await first.channel('survives');
  const playable = async () => (await edge.call('GET', '/v1/streams/survives').catch(() => ({}))).playable;
  let publisher = new Publisher(second, key);
  await eventually('the stream is playable at the edge', SOON, playable);
  const watch = await WatchPage.open(browser, edge.page('/watch/survives'));
  await watch.plays(3, SOON);
  const { show } = await second.call('GET', '/v1/streams/survives');
  await second.kill();
  await publisher.kill();
  publisher = new Publisher(first, key);
  await watch.plays(6, SOON);
  assert.ok((await watch.state()).includes('live'));
  assert.equal(watch.loads, 1);
  assert.deepEqual(watch.faults, []);
  assert.equal((await first.call('GET', '/v1/streams/survives')).show, show, 'another show');
  await watch.page.close();
  await publisher.kill();
});
