import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { nkeys } from 'nats';
import { clientInbox } from '../../actors/wire.js';

/**
 * A flooder: a program that sends the same requests again and again over many connections, as fast as they are taken, and waits for
 * no answer. `node flooder.js WAY PORT CONNECTIONS FILE SEED BEHIND`, where the way is `http` or `nats`, the file has the frames, and the seed is of
 * the nkey that all connections to NATS sign in with: who does not is let ask nothing but what the tower is. What it sent
 * and heard goes to stdout as a line of JSON when it is told to end (SIGTERM).
 *
 * It writes bytes that were made beforehand, so that a processor that it has to itself sends more than any tower takes.
 *
 * It stands for machines elsewhere, which would take no processor from the tower's. So, where it is to be behind, it goes behind whoever else wants
 * one, and takes all that they leave. When it is first refused with the advice to come again, it tells its parent.
 */
const [way, port, connections, file, seed, behind] = process.argv.slice(2);
if (behind === 'true') goBehind();
const frames = framesIn(readFileSync(file ?? ''));
const count = Number(connections);
const told = { connections: 0, refused: 0, broken: 0, requests: 0, answers: 0, later: 0 };
const END = Buffer.from(way === 'nats' ? 'HMSG ' : 'HTTP/1.1 ');
/** What a client is refused with that may come again: over NATS the server says so, or the tower. */
const LATER = (way === 'nats' ? ['NATS/1.0 503', 'Error-Code: 503'] : ['HTTP/1.1 503']).map((text) =>
  Buffer.from(text),
);
const MSG = Buffer.from('\r\nMSG ');
const PING = Buffer.from('PING\r\n');

/** Linux may share its processors out by sessions; a nice value counts within one. */
function goBehind(): void {
  setPriority(constants.priority.PRIORITY_LOW);
  try {
    writeFileSync('/proc/self/autogroup', String(constants.priority.PRIORITY_LOW));
  } catch {
    // There are none.
  }
}

/** Each frame is its length, four bytes, and what is sent. */
function framesIn(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    found.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

/** One connection, for as long as it lives: writes its share of the requests whenever there is room. */
function pour(share: Buffer, requests: number): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect(Number(port), '127.0.0.1');
    const write = (): void => {
      if (socket.destroyed) return;
      told.requests += requests;
      if (socket.write(share)) setImmediate(write);
    };
    let came = false;
    socket.setNoDelay(true);
    socket.on('connect', () => {
      came = true;
      told.connections++;
      if (way === 'http') write();
    });
    if (way === 'nats')
      socket.once('data', (info) => {
        socket.write(signIn(info.toString()));
        write();
      });
    socket.on('drain', write);
    socket.on('data', (bytes) => {
      for (const what of way === 'nats' ? [END, MSG] : [END]) told.answers += occurrences(bytes, what);
      const later = LATER.reduce((sum, what) => sum + occurrences(bytes, what), 0);
      if (told.later === 0 && later > 0) process.send?.('refused');
      told.later += later;
      if (way === 'nats' && bytes.includes(PING)) socket.write('PONG\r\n');
    });
    socket.on('error', () => (came ? told.broken++ : told.refused++));
    socket.on('close', () => resolve());
  });
}

/** What a NATS client begins with, once the server has named a nonce. */
function signIn(info: string): string {
  const nonce = /"nonce":"([^"]+)"/.exec(info)?.[1] ?? '';
  const key = nkeys.fromSeed(Buffer.from(seed ?? ''));
  const nkey = key.getPublicKey();
  const sig = Buffer.from(key.sign(Buffer.from(nonce))).toString('base64url');
  const options = { verbose: false, pedantic: false, headers: true, no_responders: true, lang: 'flood', nkey, sig };
  return `CONNECT ${JSON.stringify(options)}\r\nSUB ${clientInbox(nkey)}.> 1\r\n`;
}

function occurrences(bytes: Buffer, what: Buffer): number {
  let found = 0;
  for (let at = bytes.indexOf(what); at >= 0; at = bytes.indexOf(what, at + what.length)) found++;
  return found;
}

async function keepPouring(mine: readonly Buffer[]): Promise<void> {
  const share = Buffer.concat(mine);
  for (;;) {
    await pour(share, mine.length);
    await sleep(AGAIN_MS);
  }
}

/** How long it waits when its connection was refused or closed, in ms. */
const AGAIN_MS = 5;

// Nobody is there any more to end it.
process.on('disconnect', () => process.exit());
process.on('SIGTERM', () => process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0)));
for (let i = 0; i < count; i++) void keepPouring(frames.filter((_, n) => n % count === i));
