import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import type { Cleanup } from './temp-dir.js';

/** A line to a NATS server that a test can disturb: a TCP proxy that knows where a message ends. */
export interface NatsProxy {
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
  /** From now on nothing that the server says arrives, until the line is cut; what is sent to it does. */
  swallow(): void;
  /** Ends every connection; the next ones are sound. */
  cut(): void;
  /** From now on each message of the server arrives so many milliseconds late, until it is 0 again. */
  slow(ms: number): void;
  /** Nothing arrives on either side until what is returned is called: then all of it does, as after a cut that connections outlive. */
  stall(): () => void;
  /** Loses the server's messages that match, whatever else is well, until it is told to stop. */
  lose(pattern: RegExp): Losing;
  /** Loses what the client sends and matches, until it is told to stop. */
  loseSent(pattern: RegExp): Losing;
  /** Holds back what consumers of streams deliver, and nothing else, until it is told what becomes of it. */
  holdDeliveries(): Held;
}

/** Messages that a proxy holds back. */
export interface Held {
  count(): number;
  release(): void;
  lose(): void;
}

/** Messages that a proxy loses. */
export interface Losing {
  count(): number;
  stop(): void;
}

/** What stands in the reply subject of a message that a consumer delivers. */
const DELIVERY = / \$JS\.ACK\./;

interface Line {
  readonly client: Socket;
  readonly server: Socket;
  readonly frames: Frames;
  readonly sent: Frames;
  readonly held: Buffer[];
}

/** Starts a proxy before the server on a port of 127.0.0.1; it is gone after the test. */
export async function startNatsProxy(t: Cleanup, port: number): Promise<NatsProxy> {
  const lines = new Set<Line>();
  let [swallowing, holding] = [false, false];
  let lateMs = 0;
  const [losing, losingSent] = [new Loss(), new Loss()];
  const pass = ({ client }: Line, frame: Buffer) => {
    if (lateMs === 0) client.write(frame);
    else setTimeout(() => client.write(frame), lateMs); // timers of one length keep their order
  };
  const hear = (line: Line, bytes: Buffer) => {
    const { frames, held } = line;
    if (swallowing) return;
    for (const frame of frames.take(bytes))
      if (holding && DELIVERY.test(firstLine(frame))) held.push(frame);
      else if (!losing.takes(frame)) pass(line, frame);
  };
  const say = ({ server, sent }: Line, bytes: Buffer) => {
    for (const frame of sent.take(bytes)) if (!losingSent.takes(frame)) server.write(frame);
  };
  const listener = createServer((client) => {
    const line: Line = { client, server: dial(port, '127.0.0.1'), frames: new Frames(), sent: new Frames(), held: [] };
    lines.add(line);
    for (const [socket, other] of [
      [client, line.server],
      [line.server, client],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        other.destroy();
        lines.delete(line);
      });
    }
    client.on('data', (bytes) => say(line, bytes));
    line.server.on('data', (bytes) => hear(line, bytes));
  });
  const cut = () => {
    swallowing = false;
    for (const { client } of lines) client.destroy();
  };
  t.after(() => {
    cut();
    listener.close();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (typeof address !== 'object' || !address) throw new TypeError('no port');
  return {
    url: `nats://127.0.0.1:${address.port}`,
    swallow: () => {
      swallowing = true;
    },
    cut,
    slow: (ms) => {
      lateMs = ms;
    },
    stall: () => {
      const stalled = Array.from(lines, ({ client, server }) => [client, server]).flat();
      for (const socket of stalled) socket.pause();
      return () => {
        for (const socket of stalled) socket.resume();
      };
    },
    lose: (pattern) => losing.begin(pattern),
    loseSent: (pattern) => losingSent.begin(pattern),
    holdDeliveries: () => {
      holding = true;
      const end = (deliver: boolean) => {
        holding = false;
        for (const { client, held } of lines) for (const frame of held.splice(0)) if (deliver) client.write(frame);
      };
      const count = () => Array.from(lines, ({ held }) => held.length).reduce((sum, n) => sum + n, 0);
      return { count, release: () => end(true), lose: () => end(false) };
    },
  };
}

const firstLine = (frame: Buffer): string => frame.toString('latin1', 0, Math.max(0, frame.indexOf('\r\n')));

/** Counts the messages that match, while it is to. */
class Loss {
  #pattern: RegExp | undefined;
  #count = 0;

  begin(pattern: RegExp): Losing {
    this.#pattern = pattern;
    this.#count = 0;
    return {
      count: () => this.#count,
      stop: () => {
        this.#pattern = undefined;
      },
    };
  }

  takes(frame: Buffer): boolean {
    const isLost = this.#pattern?.test(frame.toString('latin1')) ?? false;
    if (isLost) this.#count++;
    return isLost;
  }
}

/** Cuts what is said into whole messages: a line, and after `MSG`, `PUB` and their like as many bytes as its last word says. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  take(bytes: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const frames: Buffer[] = [];
    for (let size = this.#next(); size > 0 && size <= this.#rest.length; size = this.#next()) {
      frames.push(this.#rest.subarray(0, size));
      this.#rest = this.#rest.subarray(size);
    }
    return frames;
  }

  /** The size of the first message; 0 if its line is not complete. */
  #next(): number {
    const end = this.#rest.indexOf('\r\n') + 2;
    if (end < 2) return 0;
    const [, size] = /^H?(?:MSG|PUB) .* (\d+)$/.exec(firstLine(this.#rest)) ?? [];
    return size === undefined ? end : end + Number(size) + 2;
  }
}
