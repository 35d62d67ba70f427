import { readFileSync } from 'node:fs';
import type { NatsConnection } from 'nats';
import type { Logger } from 'pino';
import type { Height, Shard as ShardId, UserId } from '../events/ids.js';
import type { BlobRef } from '../events/user.js';
import type { BlockWindow } from '../projections/block-window.js';
import type { ShardState } from '../projections/shard-state.js';
import type { Config, HttpConfig } from './config.js';
import { ConfigError } from './config-sources.js';
import { Admission } from './gateway/admission.js';
import { Gateway } from './gateway/gateway.js';
import { HttpDoor, type Patience } from './gateway/http-door.js';
import { NatsDoor } from './gateway/nats-door.js';
import { Standstill } from './gateway/standstill.js';
import { OperatorDesk } from './operator-desk/operator-desk.js';
import type { Shard } from './shard.js';
import { StateDesk } from './state-desk/state-desk.js';
import { version } from './version.js';
import type { InfoAnswer } from './wire.js';

/** The ways into one node: for clients over NATS and over HTTP, for the operator over NATS. */
export class Doors {
  readonly #standstill: Standstill;
  readonly #nats: NatsDoor;
  readonly #desk: OperatorDesk;
  readonly #stateDesk: StateDesk;
  readonly #admission: Admission;
  readonly #http: readonly HttpDoor[];

  /** Throws `ConfigError` if the certificate or its key cannot be read. */
  constructor(needs: DoorsNeeds) {
    const { nc, config, logger, shardOf } = needs;
    const log = logger.child({ actor: 'gateway' });
    const tls = readTls(config.http);
    this.#standstill = new Standstill(() => nc.flush(), log);
    const gateway = new Gateway({
      gatekeeper: (userId) => shardOf(userId)?.gatekeeper,
      dialectOf: (userId) => {
        const state = shardOf(userId)?.fold.state.user(userId).state;
        return state?.status === 'registered' ? state.dialect : undefined;
      },
      blob: needs.blob,
      isLate: () => this.#standstill.isRecent,
      limits: config.limits,
      log,
    });
    this.#nats = new NatsDoor(nc, gateway, { version, info: needs.publicInfo, log });
    this.#desk = new OperatorDesk(nc, {
      version,
      info: needs.info,
      shards: needs.shards,
      height: needs.height,
      shardOf: (userId) => shardOf(userId)?.fold.state,
    });
    const { chain, states } = needs;
    this.#stateDesk = new StateDesk(nc, { node: config.node, version, chain, shards: states });
    const { listen, maxConnections } = config.http;
    const { patience } = needs;
    this.#admission = new Admission({ isAble: needs.isAble, mostInside: maxConnections });
    this.#http = listen.map(
      ({ dialect, ...address }) =>
        new HttpDoor({ gateway, admission: this.#admission, address, dialect, tls, patience, log }),
    );
  }

  /** Rejects with `ListenError` if an HTTP door cannot listen on its address. */
  async open(): Promise<void> {
    const desks = [this.#desk, this.#stateDesk];
    await Promise.all([this.#nats, ...desks, ...this.#http].map((door) => door.open()));
  }

  get httpUrls(): readonly string[] {
    return this.#http.map(({ url }) => url);
  }

  /** The tower became able or unable to accept: the HTTP doors need not find out by themselves. */
  review(): void {
    this.#admission.review();
  }

  /** Takes no more requests, and resolves when those under way are answered. */
  async close(): Promise<void> {
    this.#admission.close();
    await Promise.all([this.#nats.close(), ...this.#http.map((door) => door.close())]);
    this.#standstill.stop();
    await Promise.all([this.#desk.close(), this.#stateDesk.close()]);
  }
}

function readTls({ tls }: HttpConfig): { cert: Buffer; key: Buffer } | undefined {
  if (!tls) return undefined;
  try {
    return { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
  } catch (cause) {
    throw new ConfigError(`http: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

export interface DoorsNeeds {
  readonly nc: NatsConnection;
  readonly config: Config;
  readonly patience: Patience | undefined;
  /** The shard of a user; undefined while it is not running. */
  readonly shardOf: (userId: UserId) => Shard | undefined;
  readonly blob: (userId: UserId, ref: BlobRef) => Promise<Uint8Array | undefined>;
  /** Whether the tower can accept appointments now, as far as it knows. */
  readonly isAble: () => boolean;
  readonly publicInfo: () => InfoAnswer;
  readonly info: () => object;
  readonly shards: () => readonly ShardState[];
  /** The folded state of each shard that runs, with its number. */
  readonly states: () => readonly (readonly [ShardId, ShardState])[];
  readonly chain: () => BlockWindow;
  /** The height of the chain's tip; undefined before the first block. */
  readonly height: () => Height | undefined;
  readonly logger: Logger;
}
