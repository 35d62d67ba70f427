import { once } from 'node:events';
import type { Server } from 'node:net';
import type { Logger } from 'pino';
import { why } from '../runtime/why.js';

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
  #complained = false;

  constructor(
    private readonly server: Server,
    address: Address,
    private readonly log: Logger,
  ) {
    this.#address = address;
  }

  get address(): Address {
    return this.#address;
  }

  /** Listens for the first time; rejects with `ListenError` if that cannot be. */
  async open(): Promise<void> {
    const { host, port } = this.#address;
    try {
      this.server.listen({ host, port });
      await once(this.server, 'listening');
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause ? cause.code : cause;
      const text = reason === 'EADDRINUSE' ? 'another program listens there' : String(reason);
      throw new ListenError(`cannot listen on ${spell(this.#address)}: ${text} (see http.listen)`, { cause });
    }
    this.#state = 'there';
    const bound = this.server.address();
    if (bound && typeof bound === 'object') this.#address = { host, port: bound.port };
    this.server.on('listening', () => this.#came());
    this.server.on('error', (error) => this.#failed(error));
  }

  /** Listens again, unless it does. */
  appear(): void {
    if (this.#state !== 'away') return;
    this.#state = 'coming';
    this.server.listen(this.#address);
  }

  /** New connections are refused from now on; nothing happens to the others. */
  vanish(): void {
    if (this.#state !== 'there') return;
    this.#state = 'going';
    // Closing resets the connections that wait to be taken. Right after the loop has taken what there was, there are none,
    // but for those of the microseconds in between.
    setImmediate(() => {
      this.server.close();
      this.#state = 'away';
      this.log.warn({ address: spell(this.#address) }, 'refusing HTTP connections');
    });
  }

  #came(): void {
    this.#state = 'there';
    this.#complained = false;
    this.log.info({ address: spell(this.#address) }, 'taking HTTP connections');
  }

  /** Somebody else may have taken the port meanwhile: it is asked for again. */
  #failed(error: Error): void {
    if (this.#state === 'coming') this.#state = 'away';
    if (!this.#complained) this.log.error({ ...why(error), address: spell(this.#address) }, 'cannot listen again yet');
    this.#complained = true;
  }
}

/** `127.0.0.1:9814`, `[::1]:9814` */
export const spell = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
