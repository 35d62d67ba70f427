import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { TorConfig } from '../config-tor.js';
import { inTime } from '../runtime/in-time.js';
import { why } from '../runtime/why.js';
import { type ControlPlace, placeText, TorControl, TorError } from './control.js';
import { keepOnionKey, onionKey } from './onion-key.js';
import { signIn } from './sign-in.js';

/**
 * The tower's address in tor's network.
 *
 *   OnionService --control port--> tor: ADD_ONION, with the key in the node's folder, so that the address stays
 *   client ~~tor's network~~> tor --> 127.0.0.1:9814, the HTTP door
 *
 * The service belongs to the line: it ends with the node, however that ends. While tor is away, or does not let us in, the node
 * works without it, says so once in its log, and tries again, so that a tor which is started anew serves the same address.
 */
export class OnionService {
  readonly #stopping = new AbortController();
  #host: string | undefined;
  #control: TorControl | undefined;
  #running: Promise<void> | undefined;
  #told: string | undefined;

  constructor(private readonly needs: OnionNeeds) {}

  /** `xyz.onion`, while tor serves it. */
  get host(): string | undefined {
    return this.#host;
  }

  /** Begins; resolves with `xyz.onion` if tor serves it at the first try, which has so many ms, else with undefined. */
  async start(withinMs: number): Promise<string | undefined> {
    const first = new Promise<string | undefined>((resolve) => {
      this.#running ??= this.#run(resolve);
    });
    return inTime(first, withinMs);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#control?.close();
    await this.#running;
  }

  async #run(tried: (host: string | undefined) => void): Promise<void> {
    const { signal } = this.#stopping;
    const { log } = this.needs;
    for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      const control = await this.#open().catch((error) => this.#failed(error));
      if (control) {
        log.info({ onion: this.#host }, 'tor serves the tower as an onion service');
        [waitMs, this.#told] = [FIRST_WAIT_MS, undefined];
        tried(this.#host);
        await this.#watch(control);
        if (!signal.aborted)
          log.warn({ onion: this.#host }, 'tor is gone, and the onion service with it; waiting for tor');
        this.#host = undefined;
      }
      tried(undefined);
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** A line on which the service is. */
  async #open(): Promise<TorControl> {
    const { config, keyFile, targets } = this.needs;
    const control = await TorControl.connect(controlPlace(config));
    this.#control = control;
    try {
      if (this.#stopping.signal.aborted) throw new TorError('away', 'the node stops');
      await signIn(control, config.passwordFile);
      const kept = onionKey(keyFile);
      const ports = targets.map(({ port, to }) => `Port=${port},${to}`).join(' ');
      const lines = await control.ask(`ADD_ONION ${kept ?? 'NEW:ED25519-V3'} MaxStreams=${MOST_STREAMS} ${ports}`);
      const of = (name: string) => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
      const id = of('ServiceID');
      if (id === undefined || !/^[a-z2-7]{56}$/.test(id))
        throw new TorError('odd', 'tor made an onion service without a name');
      // An address that is told to somebody has to be there tomorrow.
      if (kept === undefined) keepOnionKey(keyFile, of('PrivateKey') ?? '');
      this.#host = `${id}.onion`;
      return control;
    } catch (error) {
      control.close();
      throw error;
    }
  }

  /** Resolves when the line, or the service on it, is gone. */
  async #watch(control: TorControl): Promise<void> {
    const id = this.#host?.replace('.onion', '') ?? '';
    const gone = control.closed.then(() => true);
    while (!(await inTime(gone, this.needs.lookMs ?? LOOK_MS))) {
      const lines = await control.ask('GETINFO onions/current').catch(() => []);
      if (!lines.some((line) => line.includes(id))) control.close();
    }
  }

  #failed(error: unknown): undefined {
    const said = why(error);
    // It is tried for as long as the node lives.
    if (!this.#stopping.signal.aborted && said.why !== this.#told)
      this.needs.log.error(
        { ...said, tor: describePlace(this.needs.config) },
        'there is no onion service; trying again',
      );
    this.#told = said.why;
  }
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** How often tor is asked whether it still has the service. */
const LOOK_MS = 60_000;
/** Of one client's way through tor; from here on all of tor is one address, which no limit of ours tells apart. */
const MOST_STREAMS = 100;

/** Debian's tor listens at a socket, others at a port if they are told to. */
const USUAL = { path: '/run/tor/control' };
const USUAL_PORT = { host: '127.0.0.1', port: 9051 };

/** Where the control port is, as far as that can be known. */
export function controlPlace({ control }: TorConfig): ControlPlace {
  if (control !== 'auto') return control;
  return existsSync(USUAL.path) ? USUAL : USUAL_PORT;
}

/** What a port of the service leads to. */
export interface Target {
  readonly port: number;
  /** `127.0.0.1:9814` */
  readonly to: string;
}

/** What a URL leaves out. */
const USUAL_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** The same ports as those of HTTP addresses (`http://127.0.0.1:9814`), which are reached from this machine. */
export const targetsOf = (urls: readonly string[]): Target[] =>
  urls.map((url) => {
    const { protocol, hostname, port } = new URL(url);
    const there = hostname === '0.0.0.0' ? '127.0.0.1' : hostname === '[::]' ? '[::1]' : hostname;
    const number = port === '' ? USUAL_PORTS[protocol] : Number(port);
    return { port: number ?? 0, to: `${there}:${number}` };
  });

export interface OnionNeeds {
  readonly config: TorConfig;
  /** Where the service's key is kept, or is to be kept. */
  readonly keyFile: string;
  readonly targets: readonly Target[];
  readonly log: Logger;
  /** How often tor is asked whether it still has the service, in ms; each minute unless told. */
  readonly lookMs?: number | undefined;
}

export const describePlace = (config: TorConfig): string => placeText(controlPlace(config));
