// What the browser tests stand on: real nodes on free ports, ffmpeg as its publisher, and Chromium.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const START_LIMIT_MS = 20_000;
// Below the ports that the kernel gives to outgoing connections, and beside those of the other tests.
const FIRST_PORT = 10_000;
const LAST_PORT = 11_900;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Looks until `look` answers something true, and fails with the name of what never came.
export async function eventually(what, limitMs, look) {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await sleep(50);
  }
}

export class Node {
  // With an invitation and its door it joins a cluster instead of founding one.
  static async start({ name = 'n0', door, invitation } = {}) {
    const node = new Node();
    node.name = name;
    node.program = process.env.WEIR_NODE;
    if (!node.program || !existsSync(node.program)) {
      throw new Error('WEIR_NODE names no program; run ./scripts/test browser');
    }
    node.data = await mkdtemp(path.join(tmpdir(), 'weir-browser-'));
    node.base = await freePortBase();
    node.said = [];
    const environment = { ...process.env, XDG_STATE_HOME: path.join(node.data, 'state') };
    const config = path.join(node.data, 'cluster.toml');
    await writeFile(config, `[node]\nname = "${name}"\naddress = "127.0.0.1"\n`);
    const parameters = ['--data', node.data, '--port-base', String(node.base), '--config', config];
    if (invitation) {
      await writeFile(path.join(node.data, 'invitation'), invitation);
      parameters.push('--join', door, '--token-file', path.join(node.data, 'invitation'));
    }
    node.process = spawn(node.program, parameters, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const output of [node.process.stdout, node.process.stderr]) output.on('data', (text) => node.said.push(text));
    await eventually('the node answers', START_LIMIT_MS, async () => {
      if (node.process.exitCode !== null) throw new Error(`the node ended at once:\n${node.log()}`);
      return fetch(`${node.api}/v1/version`).then((answer) => answer.ok, () => false);
    });
    if (!invitation) node.token = (await readFile(path.join(node.data, 'operator.token'), 'utf8')).trim();
    return node;
  }

  // A further node of this one's cluster, once it is up; a voter when its roles say so.
  async invite(name, roles) {
    const { token } = await this.call('POST', '/v1/nodes/invites', { roles, ttl_secs: 600 });
    const node = await Node.start({ name, door: `127.0.0.1:${this.base + 6}`, invitation: token });
    node.token = this.token;
    const isUp = async () => (await this.call('GET', '/v1/cluster')).members
      .some((member) => member.name === name && member.state === 'up');
    await eventually(`${name} is up`, START_LIMIT_MS, isUp);
    // It is promoted once it has caught up.
    const promote = () => this.call('POST', `/v1/nodes/${name}/promote?reason=test`).then(() => true, () => false);
    if (roles.includes('voter')) await eventually(`${name} votes`, START_LIMIT_MS, promote);
    return node;
  }

  get api() {
    return `http://127.0.0.1:${this.base + 5}`;
  }

  page(where) {
    return `http://127.0.0.1:${this.base + 3}${where}`;
  }

  log() {
    return this.said.join('').split('\n').slice(-60).join('\n');
  }

  async call(method, where, body) {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    const answer = await fetch(this.api + where, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${where}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  // Makes a channel with one key and answers the key's secret.
  async channel(name) {
    await this.call('POST', '/v1/channels', { name });
    return (await this.call('POST', `/v1/channels/${name}/keys`, { label: 'test' })).key;
  }

  async kill() {
    await ended(this.process, 'SIGKILL');
  }

  async stop() {
    await ended(this.process, 'SIGTERM');
    await rm(this.data, { recursive: true, force: true });
  }
}

// ffmpeg with a test picture and a tone; `kill` ends it as a crash does.
export class Publisher {
  constructor(node, key) {
    const url = `rtmp://127.0.0.1:${node.base}/live/${key}`;
    this.process = spawn('ffmpeg', [
      ...'-nostdin -v error -re -f lavfi -i testsrc2=size=426x240:rate=30'.split(' '),
      ...'-f lavfi -i sine=frequency=440:beep_factor=4:sample_rate=48000'.split(' '),
      ...'-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -b:v 300k -g 60'.split(' '),
      ...'-c:a aac -b:a 64k -ac 2 -f flv'.split(' '),
      url,
    ], { stdio: 'ignore' });
  }

  async kill() {
    await ended(this.process, 'SIGKILL');
  }

  async stop() {
    await ended(this.process, 'SIGINT');
  }
}

async function ended(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  await over;
}

async function freePortBase() {
  const groups = Math.floor((LAST_PORT - FIRST_PORT) / 8);
  for (let turn = 0; turn < groups; turn += 1) {
    const base = FIRST_PORT + ((process.pid + turn) % groups) * 8;
    const free = await Promise.all(Array.from({ length: 8 }, (_, offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no eight free ports');
}

function isFree(port) {
  return new Promise((done) => {
    const server = net.createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

// Chromium that plays without being clicked and talks to nobody but the node.
export function launchChromium() {
  return chromium.launch(chromiumOptions());
}

// A Chromium whose processes can be stopped dead, all at once.
export class Browser {
  static async launch() {
    const browser = new Browser();
    browser.server = await chromium.launchServer(chromiumOptions());
    browser.chromium = await chromium.connect(browser.server.wsEndpoint());
    return browser;
  }

  // As if the machine had died: nothing is closed, nothing says goodbye. Its processes are a group of their own.
  stop() {
    process.kill(-this.server.process().pid, 'SIGSTOP');
  }

  async close() {
    await this.server.kill();
  }
}

function chromiumOptions() {
  const names = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const executablePath = process.env.CHROMIUM ?? names.find(existsSync);
  if (!executablePath) throw new Error('Chromium is needed: apt-get install chromium');
  return {
    executablePath,
    headless: true,
    args: [
      '--autoplay-policy=no-user-gesture-required',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-default-apps',
      '--disable-gpu',
      '--disable-sync',
      '--no-first-run',
      // A sandbox needs rights that root in a container does not have.
      '--no-sandbox',
    ],
  };
}

// A watch page with everything that went wrong on it.
export class WatchPage {
  static async open(browser, url) {
    const watch = new WatchPage();
    watch.faults = [];
    watch.loads = 0;
    watch.page = await browser.newPage({ viewport: { width: 900, height: 700 } });
    watch.page.on('pageerror', (error) => watch.faults.push(`page: ${error.message}`));
    watch.page.on('load', () => { watch.loads += 1; });
    // A reload that was cut by a dying node or a vanished part is the player's business, a script error is not.
    watch.page.on('console', (line) => {
      const network = line.text().includes('Failed to load resource');
      if (line.type() === 'error' && !network) watch.faults.push(`console: ${line.text()}`);
    });
    await watch.page.goto(url);
    return watch;
  }

  // What the page says of the stream: offline, starting, live or ended.
  state() {
    return this.page.evaluate(() => {
      const marked = document.querySelector('[data-state]');
      const spoken = document.querySelector('[role="status"]');
      return (marked?.dataset.state ?? spoken?.textContent ?? '').trim().toLowerCase();
    });
  }

  async stateBecomes(wanted, limitMs) {
    await eventually(`the page says ${wanted}`, limitMs, async () => (await this.state()).includes(wanted));
  }

  // Where the player is, and what it shows.
  video() {
    return this.page.evaluate(() => {
      const video = document.querySelector('video');
      return { at: video.currentTime, width: video.videoWidth, paused: video.paused, error: video.error?.message };
    });
  }

  // Waits until the picture has moved by `seconds`.
  async plays(seconds, limitMs) {
    const from = (await this.video()).at;
    await eventually(`${seconds} s are played`, limitMs, async () => {
      const { at, error } = await this.video();
      if (error) throw new Error(`the video element failed: ${error}`);
      return at >= from + seconds || (at < from && at >= seconds);
    });
  }
}
