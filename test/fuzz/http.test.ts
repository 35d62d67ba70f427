import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../model/chance.js';
import { mutated, noise } from './bytes.js';
import { startFuzzedNode } from './fuzzed-node.js';
import { type Heard, sendAll } from './http-line.js';
import { inTurn } from './in-turn.js';
import { Shots } from './requests.js';
import { chanceOf, oneOf, REQUESTS } from './settings.js';

/** Connections at once, and requests that are sent on one without waiting for answers. */
const AT_ONCE = 48;
const PIPELINED = 25;

const KINDS = ['application/json', 'application/json', 'application/json; charset=utf-8', 'text/plain', ''];
const METHODS = ['POST', 'POST', 'POST', 'POST', 'POST', 'POST', 'GET', 'PUT', 'OPTIONS', 'TRACE'];

/** A request that is whole as HTTP, whatever is in it. */
function request(shots: Shots, chance: Chance): Buffer {
  const { operation, body } = shots.next();
  const path = chance.oneIn(20)
    ? oneOf(chance, ['/ping', '/', '//register', '/register/..', '/%00', '*'])
    : `/${operation}`;
  const kind = oneOf(chance, KINDS);
  const isChunked = chance.oneIn(10);
  const head = [
    `${oneOf(chance, METHODS)} ${path}${chance.oneIn(9) ? '?a=%ff&b' : ''} HTTP/1.1`,
    ...(kind ? [`content-type: ${kind}`] : []),
    ...(chance.oneIn(4) ? ['user-agent: python-requests/2.28.1'] : []),
    isChunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`,
  ];
  const bytes = isChunked ? chunked(body, chance) : [body];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), ...bytes]);
}

/** A body in pieces of any size. */
function chunked(body: Buffer, chance: Chance): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const piece = body.subarray(at, at + 1 + chance.below(40));
    pieces.push(
      Buffer.from(`${piece.length.toString(16)}${chance.oneIn(9) ? ';x=y' : ''}\r\n`),
      piece,
      Buffer.from('\r\n'),
    );
    at += piece.length;
  }
  return [...pieces, Buffer.from('0\r\n\r\n')];
}

test('the HTTP door answers every request in order, and whatever is none, and nothing comes of it', async (t) => {
  const node = await startFuzzedNode(t);
  const chance = chanceOf(2);
  const shots = new Shots(chance, node.secret);
  const statuses: Record<string, number> = {};
  let cutShort = 0;
  const note = ({ answers }: Heard) => {
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
  };

  /** On one connection, at once. */
  const pipeline = async () => {
    const asked = Array.from({ length: PIPELINED }, () => request(shots, chance));
    const heard = await heardBy(node.url, Buffer.concat(asked));
    note(heard);
    // A tower that was short of time for a moment shuts its doors, and ends connections behind an answer.
    if (heard.answers.length < PIPELINED) cutShort++;
    assert.ok(heard.answers.length > 0, JSON.stringify(heard));
    assert.equal(heard.rest, '');
    for (const { status, body } of heard.answers)
      if (body !== '') assert.ok(typeof JSON.parse(body) === 'object', `${status}`);
  };
  const raw = async () => {
    const whole = request(shots, chance);
    const heard = await heardBy(node.url, chance.oneIn(3) ? noise(chance, 400) : mutated(whole, chance));
    note(heard);
    for (const { body } of heard.answers) if (body !== '') JSON.parse(body);
    assert.equal(heard.rest, '');
  };

  await node.endures(async (count) => {
    const rawOnes = Math.floor(count / 10);
    await inTurn(rawOnes, AT_ONCE, raw);
    await inTurn(Math.ceil((count - rawOnes) / PIPELINED), AT_ONCE, pipeline);
  }, REQUESTS);
  t.diagnostic(`${JSON.stringify(statuses)}, ${cutShort} connections ended early`);
  assert.ok(cutShort <= REQUESTS / PIPELINED / 20, `${cutShort}`);
  assert.deepEqual(
    Object.keys(statuses).filter((status) => ![200, 400, 401, 404, 405, 413, 415, 503].includes(Number(status))),
    [],
  );
});

/** What comes back for bytes; a door that is closed for a moment, as it is while the tower is short of time, is tried again. */
async function heardBy(url: string, bytes: Buffer): Promise<Heard> {
  for (let tries = 0; ; tries++) {
    const heard = await sendAll(url, bytes);
    if (!heard.refused) return heard;
    assert.ok(tries < 600, 'the door stays closed');
    await sleep(100);
  }
}
