// The watch page in Chromium: what a viewer sees.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, launchChromium, Node, Publisher, WatchPage } from './weir.mjs';

// Longer than a cold Chromium on two busy processors needs, shorter than a viewer's patience with a broken page.
const SOON = 15_000;
// The grace period is 30 s.
const END_LIMIT = 50_000;

let browser;
let node;

before(async () => {
  node = await Node.start();
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await node?.stop();
});

test('a live stream plays by itself, keeps playing and nothing fails', async () => {
  const publisher = new Publisher(node, await node.channel('plays'));
  await eventually('the stream is playable', SOON, async () => (await node.call('GET', '/v1/streams/plays')).playable);
  const watch = await WatchPage.open(browser, node.page('/watch/plays'));
  await watch.plays(1, SOON);
  const start = Date.now();
  await watch.plays(10, 12_000);
  assert.ok(Date.now() - start < 11_500, 'ten seconds are played in ten seconds');
  assert.equal((await watch.video()).width, 426);
  assert.ok((await watch.state()).includes('live'));
  assert.deepEqual(watch.faults, []);
  await watch.page.close();
  await publisher.kill();
});

test('the page goes from offline to live to ended without being loaded again', async () => {
  const key = await node.channel('states');
  const watch = await WatchPage.open(browser, node.page('/watch/states'));
  await watch.stateBecomes('offline', SOON);
  const publisher = new Publisher(node, key);
  await watch.stateBecomes('live', SOON);
  await watch.plays(2, SOON);
  await publisher.stop();
  await watch.stateBecomes('ended', END_LIMIT);
  assert.equal(watch.loads, 1);
  assert.deepEqual(watch.faults, []);
  const again = new Publisher(node, key);
  await watch.stateBecomes('live', SOON);
  await watch.plays(2, SOON);
  assert.equal(watch.loads, 1);
  await watch.page.close();
  await again.kill();
});

test('ten killed and returning publishers are one show to the viewer', async () => {
  const key = await node.channel('cycles');
  let publisher = new Publisher(node, key);
  const watch = await WatchPage.open(browser, node.page('/watch/cycles'));
  await watch.plays(2, SOON);
  const { show } = await node.call('GET', '/v1/streams/cycles');
  for (let round = 0; round < 10; round += 1) {
    await publisher.kill();
    publisher = new Publisher(node, key);
    await watch.plays(2, SOON);
    assert.ok((await watch.state()).includes('live'), `round ${round}`);
  }
  assert.equal((await node.call('GET', '/v1/streams/cycles')).show, show);
  assert.equal(watch.loads, 1);
  assert.deepEqual(watch.faults, []);
  await watch.page.close();
  await publisher.kill();
});

test('what is live is listed with a link to its page, and what is not is not', async () => {
  const publisher = new Publisher(node, await node.channel('listed'));
  await node.channel('unlisted');
  const list = await browser.newPage();
  await list.goto(node.page('/'));
  const link = list.locator('a[href$="/watch/listed"]');
  await link.waitFor({ timeout: SOON });
  assert.equal(await list.locator('a[href$="/watch/unlisted"]').count(), 0);
  await link.first().click();
  await list.waitForURL('**/watch/listed');
  await list.close();
  await publisher.kill();
});

test('every control has a name and the keyboard works', async () => {
  const publisher = new Publisher(node, await node.channel('keys'));
  const watch = await WatchPage.open(browser, node.page('/watch/keys'));
  await watch.plays(1, SOON);
  const nameless = await watch.page.evaluate(() => [...document.querySelectorAll('button, select, input')]
    .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length || one.title))
    .map((one) => one.outerHTML));
  assert.deepEqual(nameless, []);
  assert.ok(await watch.page.title(), 'the page has a title');
  assert.ok(await watch.page.evaluate(() => document.documentElement.lang), 'the page names its language');
  await watch.page.keyboard.press('Space');
  await eventually('the video is paused', 3_000, async () => (await watch.video()).paused);
  await watch.page.keyboard.press('Space');
  await eventually('the video plays', 3_000, async () => !(await watch.video()).paused);
  await watch.page.close();
  await publisher.kill();
});

test('a channel that does not exist has a page that says so', async () => {
  const page = await browser.newPage();
  const answer = await page.goto(node.page('/watch/nobody'));
  assert.equal(answer.status(), 404);
  await page.close();
});
