import { once } from 'node:events';
import { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { why } from '../runtime/why.js';
import { AcceptQueue } from './accept-queue.js';

/** Where a server listens. */
export interface Address {
  readonly host: string;
  /** 0 for any that is free; the same one again after a pause. */
  readonly port: number;
}

/** An address that cannot be listened on; the message says which, and why. */
export class ListenError extends Error {
  readonly code = 'listen';
}

/** A server's listening socket, which comes and goes while the connections that were made stay. */
export class Listener {
  #address: Address;
  #state: 'away' | 'coming' | 'there' | 'going' = 'away';
  #wanted = false;
  #complained = false;
  /** How many connections were ever taken. */
  #taken = 0;
  #whenGone: () => void = () => {};
  #queue: AcceptQueue | undefined;
  #going: Promise<void> | undefined;

  constructor(
    private readonly server: Server,
    address: Address,
    private readonly log: Logger,
  ) {
    this.#address = address;
    server.on('connection', () => this.#taken++);
  }

  get address(): Address {
    return this.#address;
  }

  /** Listens for the first time; rejects with `ListenError` if that cannot be. */
  async open(): Promise<void> {
    const { host, port } = this.#address;
    this.#wanted = true;
    try {
      this.server.listen({ host, port });
      await once(this.server, 'listening');
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause ? cause.code : cause;
      const text = reason === 'EADDRINUSE' ? 'another program listens there' : String(reason);
      throw new ListenError(`cannot listen on ${spell(this.#address)}: ${text} (see http.listen)`, { cause });
    }
    const bound = this.server.address();
    if (bound && typeof bound === 'object') this.#address = { host, port: bound.port };
    this.server.on('listening', () => this.#came());
    this.server.on('error', (error) => this.#failed(error));
    this.#came();
  }

  /** Listens again, unless it does. */
  appear(): void {
    this.#wanted = true;
    if (this.#state !== 'away') return;
    this.#state = 'coming';
    this.server.listen(this.#address);
  }

  /**
   * From now on nobody is let in; nothing happens to those who are. Closing the listener resets the connections that the system
   * has made and nobody has taken, and those that are being made, which a rust client takes for the loss of its appointment.
   * Hence all are taken, until there is a moment in which none comes.
   */
  vanish(): void {
    this.#wanted = false;
    if (this.#state !== 'there') return;
    this.#state = 'going';
    this.#going = this.#takeAll(this.#taken + MOST_TAKEN);
  }

  /**
   * Resolves at once, unless the listener is about to go: then when it is gone. An answer that waits for this does not make its
   * client come again in the very moment in which the door closes.
   */
  async steady(): Promise<void> {
    if (this.#state === 'going') await this.#going;
  }

  /** Resolves when nobody listens, and as long as nobody calls `appear` nobody will. */
  async gone(): Promise<void> {
    this.vanish();
    if (this.#state !== 'away') await new Promise<void>((resolve) => (this.#whenGone = resolve));
  }

  /** Turns are counted, not time: a thread that had to wait for the processor has not seen who came. */
  async #takeAll(most: number): Promise<void> {
    for (let turns = 0, quiet = 0; this.#taken < most; turns++) {
      const before = this.#taken;
      await sleep(TURN_MS);
      if (this.#wanted) {
        this.#state = 'there';
        return;
      }
      quiet = this.#taken === before ? quiet + 1 : 0;
      if (turns >= 2 * MOST_TURNS) break;
      if ((quiet >= QUIET_TURNS || turns >= MOST_TURNS) && !this.#queue?.waiting) break;
    }
    this.#close();
  }

  /**
   * Not as an HTTP server closes, which ends connections that rest before it closes the listener: they are to stay, and every
   * microsecond since it was looked is one in which another may come.
   */
  #close(): void {
    Server.prototype.close.call(this.server);
    this.#queue?.close();
    this.#state = 'away';
    this.log.info({ address: spell(this.#address) }, 'refusing HTTP connections');
    this.#whenGone();
  }

  #came(): void {
    this.#state = 'there';
    const bound = this.server.address();
    this.#queue = bound && typeof bound === 'object' ? new AcceptQueue(bound) : undefined;
    this.#complained = false;
    this.log.info({ address: spell(this.#address) }, 'taking HTTP connections');
    if (!this.#wanted) this.vanish();
  }

  /** Somebody else may have taken the port meanwhile: it is asked for again. */
  #failed(error: Error): void {
    if (this.#state !== 'coming') return void this.log.warn(why(error), 'an HTTP connection could not be taken');
    this.#state = 'away';
    if (!this.#complained) this.log.error({ ...why(error), address: spell(this.#address) }, 'cannot listen again yet');
    this.#complained = true;
    if (!this.#wanted) this.#whenGone();
  }
}

/** How often it is looked whether somebody came, in ms, and in how many such turns nobody must have come. */
const TURN_MS = 5;
const QUIET_TURNS = 4;
/** After how many turns any in which none waits will do, and after twice as many any at all: then it is a flood that comes. */
const MOST_TURNS = 100;
/** How many connections are taken after the door should be closed, before the rest is left to its fate: a flood. */
const MOST_TAKEN = 5_000;

/** `127.0.0.1:9814`, `[::1]:9814` */
export const spell = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
