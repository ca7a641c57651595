// The books of a node as another program reads them, and as their own sentences say it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const cents = (text) => Math.round(Number(text) * 100);

async function exported(node) {
  let text = '';
  for (let from = 1; from; ) {
    const where = `/v1/ledger/export?format=hledger&from=${from}${from > 1 ? '&continues=true' : ''}`;
    const piece = await node.call('GET', where);
    text += piece.text;
    from = piece.next;
  }
  return text;
}

// What `hledger` finds on each account, in cents, once it has checked every entry; a debit is positive.
export async function hledger(node) {
  const file = path.join(node.data, 'books.journal');
  await writeFile(file, await exported(node));
  await run('hledger', ['-f', file, 'check']);
  const { stdout } = await run('hledger', ['-f', file, 'balance', '--flat', '--no-total', '-O', 'csv']);
  const rows = stdout.trim().split('\n').slice(1).map((row) => row.replace(/^"|"$/g, '').split('","'));
  return new Map(rows.map(([account, balance]) => [account, cents(balance.replace(/ EUR$|,/g, ''))]));
}

// The same as the ledger says it.
export async function balances(node) {
  const all = await node.call('GET', '/v1/ledger/trial-balance');
  const rows = all.map(({ class: group, account, balance }) => {
    const sign = ['assets', 'expenses'].includes(group) ? 1 : -1;
    return [`${group}:${account}`, sign * cents(balance)];
  });
  return new Map(rows.filter(([, balance]) => balance !== 0));
}

// What a person paid for `charge`, in cents, by the lines of his statement and by what each of their records says.
export async function paidFor(node, name, charge) {
  const { lines } = await node.call('GET', `/v1/wallets/${name}/statement?limit=1000`);
  let paid = 0;
  for (const line of lines) {
    const record = await node.call('GET', `/v1/ledger/records/${line.seq}`);
    if (!record.charges.includes(charge)) continue;
    const moved = cents(line.debit) - cents(line.credit);
    if (moved !== 0) {
      const amount = `${Math.trunc(moved / 100)}.${String(moved % 100).padStart(2, '0')} EUR`;
      assert.ok(record.sentences.some((sentence) => sentence.includes(amount)), `${amount}: ${record.sentences.join(' ')}`);
    }
    paid += moved;
  }
  return paid;
}
