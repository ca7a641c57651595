// Signing in on the watch pages in Chromium: with the keyboard, told in words, the same on both pages.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, launchChromium, Node, Publisher, WatchPage } from './weir.mjs';

// Longer than a cold Chromium on two busy processors needs.
const SOON = 15_000;
const PASSWORD = 'correct horse battery';

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

// A page of somebody who brings no cookies, with every script error on it.
async function open(where) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(node.page(where));
  await page.getByRole('button', { name: 'Sign in' }).waitFor({ timeout: SOON });
  return { context, page, faults };
}

const says = (page, text) => page.getByRole('status').filter({ hasText: text }).waitFor({ timeout: SOON });

test('somebody registers with the keyboard alone, is known on both pages, and logs out', async () => {
  await node.channel('known');
  const { context, page, faults } = await open('/');
  await page.getByRole('button', { name: 'Sign in' }).press('Enter');
  await page.getByRole('button', { name: 'Make an account instead' }).press('Enter');
  await page.getByLabel('Name').focus();
  await page.keyboard.type('Alice');
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await says(page, 'Signed in as alice');
  const cookies = await context.cookies();
  assert.deepEqual(cookies.map((one) => [one.name, one.httpOnly, one.sameSite]), [['weir_session', true, 'Lax']]);
  assert.equal(await page.evaluate(() => document.cookie), '', 'no script sees it');
  await page.goto(node.page('/watch/known'));
  await says(page, 'Signed in as alice');
  await page.getByRole('button', { name: 'Log out', exact: true }).press('Enter');
  await page.getByRole('button', { name: 'Sign in' }).waitFor({ timeout: SOON });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Sign in', 'the focus is kept');
  assert.deepEqual(faults, []);
  await context.close();
});

test('what is wrong is told as an alert, and the dialog stays', async () => {
  await node.call('POST', '/v1/accounts', { name: 'bobby', password: PASSWORD });
  const { context, page, faults } = await open('/watch/nobody');
  await page.getByRole('button', { name: 'Sign in' }).click();
  const dialog = page.getByRole('dialog', { name: 'Sign in' });
  await dialog.getByLabel('Name').fill('bobby');
  await dialog.getByLabel('Password').fill('wrong horse battery');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'The name or the password is wrong.' }).waitFor({ timeout: SOON });
  const focused = await page.evaluate(() => document.activeElement.id);
  assert.equal(focused, 'account-password');
  await dialog.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await says(page, 'Signed in as bobby');
  assert.deepEqual(faults, []);
  await context.close();
});

test('logging out everywhere signs the other browser out too', async () => {
  await node.call('POST', '/v1/accounts', { name: 'carol', password: PASSWORD });
  const both = [await open('/'), await open('/')];
  for (const { page } of both) {
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Name').fill('carol');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await says(page, 'Signed in as carol');
  }
  await both[0].page.getByRole('button', { name: 'Log out everywhere' }).click();
  await both[0].page.getByRole('button', { name: 'Sign in' }).waitFor({ timeout: SOON });
  await both[1].page.reload();
  await both[1].page.getByRole('button', { name: 'Sign in' }).waitFor({ timeout: SOON });
  for (const { context, faults } of both) {
    assert.deepEqual(faults, []);
    await context.close();
  }
});

test('letters typed into the dialog are no shortcuts of the player', async () => {
  const publisher = new Publisher(node, await node.channel('typed'));
  const watch = await WatchPage.open(browser, node.page('/watch/typed'));
  await watch.plays(1, SOON);
  const { page } = watch;
  const muted = () => page.evaluate(() => document.querySelector('video').muted);
  const before = await muted();
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.keyboard.type('mmm');
  assert.equal(await page.getByLabel('Name').inputValue(), 'mmm');
  assert.equal(await muted(), before);
  await page.keyboard.press('Escape');
  await eventually('the dialog is closed', 3_000, () => page.evaluate(() => !document.querySelector('dialog').open));
  await page.keyboard.press('m');
  await eventually('the shortcut works again', 3_000, async () => (await muted()) !== before);
  assert.deepEqual(watch.faults, []);
  await page.close();
  await publisher.kill();
});
