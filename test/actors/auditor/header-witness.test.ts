import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChainRecord } from '../../../actors/auditor/chain-record.js';
import { checkHeaders } from '../../../actors/auditor/chain-witness.js';
import type { Finding } from '../../../actors/auditor/findings.js';
import { headerWitness } from '../../../actors/auditor/header-witness.js';
import { reversed, sha256, toHex } from '../../../events/bytes.js';
import type { BlockHash, Height, TowerId } from '../../../events/ids.js';

/** nBits of regtest: every second hash will do, so a block is work for 2. */
const BITS = 0x207fffff;

/** A chain of headers that have the work they say, from a first block on. */
function mined(count: number) {
  const headers: Buffer[] = [];
  let prev: Uint8Array = new Uint8Array(32);
  for (let i = 0; i < count; i++) {
    const header = Buffer.alloc(80);
    header.set(prev, 4);
    header.writeUInt32LE(1_000 + i, 68);
    header.writeUInt32LE(BITS, 72);
    for (let nonce = 0; ; nonce++) {
      header.writeUInt32LE(nonce, 76);
      prev = sha256(sha256(header));
      if ((prev[31] ?? 0) < 0x7f) break;
    }
    headers.push(header);
  }
  return headers.map((header) => ({ header, hash: toHex(reversed(sha256(sha256(header)))) as BlockHash }));
}

async function* inChunks(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const chain = mined(30);
const file = Buffer.concat(chain.map(({ header }) => header));
const work = (blocks: number) => (2 * blocks).toString(16).padStart(64, '0');

/** The log's word for blocks 10 to 29, a part of it as told. */
function logOf(about: { readonly time?: number; readonly work?: number; readonly height?: number } = {}) {
  const record = new ChainRecord(`02${'11'.repeat(32)}` as TowerId);
  const { time = 0, work: more = 0, height: higher = 0 } = about;
  const events = chain.slice(10).map(({ hash }, i) => ({
    type: 'BlockConnected' as const,
    height: (10 + i + higher) as Height,
    hash,
    prevHash: chain[9 + i]?.hash ?? ('' as BlockHash),
    time: 1_010 + i + (i === 5 ? time : 0),
    chainwork: work(11 + i + (i >= 5 ? more : 0)),
    txCount: 1,
  }));
  const commit = { id: '' as never, aggregate: { kind: 'chain' as const }, time: '', node: 'one', position: 7, events };
  record.apply(commit, 0, 0, assert.fail);
  return record;
}

async function wrongIn(record: ChainRecord, bytes = file): Promise<string[]> {
  const found: Finding[] = [];
  const counts = { blocks: 0, blocks_unknown: 0, transactions: 0, transactions_unread: 0 };
  const witness = await headerWitness(inChunks(bytes, 111), (hash) => record.block(hash as BlockHash) !== undefined);
  await checkHeaders(record, witness, counts, (finding) => found.push(finding));
  assert.equal(counts.blocks + counts.blocks_unknown, 20);
  return found.map(({ stream, position, why }) => `${stream} ${position} ${why.replace(/^block [0-9a-f]{64} /, '')}`);
}

test('a file of headers bears out the blocks of a log, or does not', async () => {
  assert.deepEqual(await wrongIn(logOf()), []);
  assert.deepEqual(await wrongIn(logOf(), file.subarray(80 * 15)), [], 'it need not begin with the first block');
  assert.deepEqual(await wrongIn(logOf({ time: 9 })), ['CHAIN 7 at height 15: its time is 1015, not 1024']);
  assert.match((await wrongIn(logOf({ work: 1 })))[0] ?? '', /^CHAIN 7 at height 15: its chainwork is 0*20$/);
  assert.deepEqual(await wrongIn(logOf({ work: 1 }), file.subarray(80 * 5)), [
    'CHAIN 7 at height 15: its own work is 2, not 4',
  ]);
  assert.equal((await wrongIn(logOf({ height: 1 }))).length, 20);
});

test('what is no file of headers is refused, and so is a header without its work', async () => {
  const refused = { code: 'headers' };
  await assert.rejects(wrongIn(logOf(), file.subarray(0, 100)), refused);
  await assert.rejects(wrongIn(logOf(), Buffer.alloc(0)), refused);
  const cheap = Buffer.from(file);
  cheap.writeUInt32LE(0x03000001, 80 * 12 + 72);
  await assert.rejects(wrongIn(logOf(), cheap), { message: /^header 12 has less work than it says/ });
});
