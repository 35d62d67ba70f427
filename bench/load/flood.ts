import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { nkeys } from 'nats';
import { z } from 'zod';
import { clientInbox } from '../../actors/wire.js';
import type { FloodRequest } from './flood-requests.js';

/** The door that a flood goes against. */
export type FloodWay = 'http' | 'nats';

const Told = z.object({
  connections: z.number(),
  refused: z.number(),
  broken: z.number(),
  requests: z.number(),
  answers: z.number(),
  later: z.number(),
});

/**
 * What became of a flood; what was written, what was answered, and what of that with the advice to come again are in requests,
 * connections were made, refused or broken.
 */
export type FloodTold = z.infer<typeof Told> & { readonly seconds: number };

/** A flood against one door, made by a process of its own. */
export class Flood {
  readonly #begun = performance.now();
  readonly #said: Promise<string>;
  readonly #ended: Promise<unknown>;
  readonly #child: ChildProcess;

  /** Resolves when a request of it was refused, with the advice to come again; never if none is. */
  readonly refused: Promise<void>;

  /** Starts it; `folder` takes the file with what it sends. `behind`: whether it takes no more of the processors than others leave. */
  constructor(
    way: FloodWay,
    port: number,
    folder: string,
    requests: readonly FloodRequest[],
    { connections = MANY[way], behind = true } = {},
  ) {
    const file = join(folder, `flood-${way}-${port}.frames`);
    const nkey = nkeys.createUser();
    const frame = way === 'http' ? httpFrame : natsFrame(clientInbox(nkey.getPublicKey()));
    writeFileSync(file, Buffer.concat(requests.flatMap((request) => withLength(frame(request)))));
    const program = join(import.meta.dirname, 'flooder.js');
    const stdio: ['ignore', 'pipe', 'inherit', 'ipc'] = ['ignore', 'pipe', 'inherit', 'ipc'];
    const seed = Buffer.from(nkey.getSeed()).toString();
    const args = [program, way, String(port), String(connections), file, seed, String(behind)];
    // A session of its own, so that it may go behind all others.
    const child = spawn(process.execPath, args, { stdio, detached: true });
    this.#child = child;
    if (!child.stdout) throw new TypeError('the flooder has no stdout');
    this.#said = text(child.stdout);
    this.refused = once(child, 'message').then(() => undefined);
    this.#ended = once(child, 'exit');
    process.once('exit', this.#kill);
  }

  /** Ends it. */
  async stop(): Promise<FloodTold> {
    const seconds = (performance.now() - this.#begun) / 1000;
    this.#child.kill('SIGTERM');
    const late = setTimeout(this.#kill, LATE_MS);
    await this.#ended;
    clearTimeout(late);
    process.off('exit', this.#kill);
    const said = await this.#said;
    return { ...(said === '' ? UNTOLD : Told.parse(JSON.parse(said))), seconds };
  }

  readonly #kill = (): void => void this.#child.kill('SIGKILL');
}

/** What is known of one that had to be killed. */
const UNTOLD = { connections: 0, refused: 0, broken: 0, requests: 0, answers: 0, later: 0 };
const MANY = { http: 128, nats: 4 };
/** How long it may take to end, in ms: it may be busy. */
const LATE_MS = 5_000;

const withLength = (frame: Buffer): Buffer[] => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return [length, frame];
};

const httpFrame = ({ operation, body }: FloodRequest): Buffer => {
  const head = `POST /${operation} HTTP/1.1\r\nhost: argus\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
};

const natsFrame =
  (inbox: string) =>
  ({ operation, body }: FloodRequest): Buffer =>
    Buffer.concat([Buffer.from(`PUB argus.v1.${operation} ${inbox}.a ${body.length}\r\n`), body, Buffer.from('\r\n')]);
