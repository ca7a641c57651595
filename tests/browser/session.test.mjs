// A private session from the offer to the receipts: two viewers in browsers of their own, one of which is stopped dead
// while the other one's balance ends, and somebody who only stands outside.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { balances, cents, hledger, paidFor } from './books.mjs';
import { Browser, eventually, launchChromium, Node, Publisher, WatchPage } from './weir.mjs';

// Several browsers and an encoder on two busy processors.
const SOON = 30_000;
// A minute that is paid for, and what surrounds it.
const A_MINUTE = 90_000;
// What interrupts a session for longer ends it.
const GRACE = 15_000;
const PASSWORD = 'correct horse battery';
// 1.00 a second.
const RATE = '60.00';

let outside;
let node;

before(async () => {
  node = await Node.start();
  outside = await launchChromium();
});

after(async () => {
  await outside?.close();
  await node?.stop();
});

async function viewer(t, name, amount) {
  await node.call('POST', '/v1/accounts', { name, password: PASSWORD, roles: ['viewer'] });
  await node.call('POST', `/v1/wallets/${name}/credit?reason=test`, { amount });
  const browser = await Browser.launch();
  t.after(() => browser.close());
  const watch = await WatchPage.open(browser.chromium, node.page('/watch/private'));
  const { page } = watch;
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: `Signed in as ${name}` }).waitFor({ timeout: SOON });
  return { name, browser, watch, page };
}

async function join({ page, watch }, most) {
  await page.getByLabel('Pay at most').fill(most, { timeout: SOON });
  await page.getByRole('button', { name: 'Join the private session' }).click({ timeout: SOON });
  await page.getByRole('status').filter({ hasText: 'Private session ·' }).waitFor({ timeout: SOON });
  await watch.plays(2, SOON);
}

async function party(session, name) {
  const { parties } = await node.call('GET', `/v1/sessions/${session}`);
  return parties.find((one) => one.name === name);
}

test('each viewer of a session pays for what he saw, and nobody else sees it', async (t) => {
  const publisher = new Publisher(node, await node.channel('private'));
  t.after(() => publisher.kill());
  const live = async () => (await node.call('GET', '/v1/streams/private')).playable;
  await eventually('the stream is playable', SOON, live);
  const public_ = await WatchPage.open(outside, node.page('/watch/private'));
  await public_.plays(1, SOON);
  const [alice, bob] = [await viewer(t, 'alice', '500.00'), await viewer(t, 'bobby', '70.00')];
  const offer = { channel: 'private', rate: RATE, places: 2 };
  const { id } = await node.call('POST', '/v1/sessions?reason=test', offer);
  // Bob agrees to more than he has.
  await Promise.all([join(alice, '400.00'), join(bob, '100.00')]);

  const playlist = () => fetch(node.page('/live/private/v0/index.m3u8'));
  await eventually('the public is shut out', SOON, async () => (await playlist()).status === 403);
  assert.equal((await node.call('GET', `/v1/sessions/${id}`)).state, 'live');
  await eventually('alice was billed', SOON, async () => cents((await party(id, 'alice')).billed) >= 1000);

  alice.browser.stop();
  // Whatever was on its way has arrived, and the meter has seen the silence.
  const paused = await eventually('the meter stands', SOON, async () => {
    const now = await party(id, 'alice');
    return now.paused && now;
  });
  const left = await eventually('alice is out', GRACE + SOON, async () => {
    const now = await party(id, 'alice');
    return now.settled && now;
  });
  assert.equal(left.left_why, 'viewer_gone');
  assert.equal(left.billed, paused.billed, 'nothing is billed after the last sign of her player');
  assert.equal(cents(left.billed), left.delivered_seconds * 100);

  const over = await eventually("bob's balance ends", A_MINUTE, async () => {
    const now = await party(id, 'bobby');
    return now.settled && now;
  });
  assert.deepEqual([over.left_why, over.billed], ['balance', '70.00']);
  await bob.page.getByRole('status').filter({ hasText: 'You paid 70.00 EUR' }).waitFor({ timeout: SOON });
  await eventually('the session is over', SOON, async () => (await node.call('GET', `/v1/sessions/${id}`)).state === 'ended');

  for (const [name, credited] of [['alice', 50_000], ['bobby', 7_000]]) {
    const { billed, charge } = await party(id, name);
    assert.equal(await paidFor(node, name, charge), cents(billed), `the receipt of ${name} is what the records took`);
    const wallet = await node.call('GET', `/v1/wallets/${name}`);
    assert.deepEqual([cents(wallet.available), wallet.reserved], [credited - cents(billed), '0.00'], name);
    const statement = await node.call('GET', `/v1/wallets/${name}/statement`);
    assert.equal(cents(statement.closing), credited - cents(billed), name);
  }
  assert.ok((await node.call('GET', '/v1/ledger')).is_even);
  const said = await balances(node);
  assert.ok(said.size >= 3, [...said].join(' '));
  assert.deepEqual(await hledger(node), said);
  const told = (await node.call('GET', '/v1/events?kind=session.*&limit=1000')).map((event) => event.kind);
  const times = (kind) => told.filter((one) => one === kind).length;
  const kinds = ['session.offered', 'session.joined', 'session.began', 'session.left', 'session.ended'];
  assert.deepEqual(kinds.map(times), [1, 2, 1, 2, 1], told.join(' '));

  await public_.plays(2, SOON + GRACE);
  assert.deepEqual(public_.faults, []);
  assert.deepEqual(bob.watch.faults, []);
});
