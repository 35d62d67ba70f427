import type { NatsConnection } from 'nats';
import type { Logger } from 'pino';
import type { ChainCommit, Commit, Recorded, ShardCommit } from '../events/commit.js';
import type { Shard } from '../events/ids.js';
import { CHAIN, towerStream } from '../events/log/streams.js';
import type { BlockWindow } from '../projections/block-window.js';
import type { Fold, Foldable } from '../projections/fold.js';
import type { ShardState } from '../projections/shard-state.js';
import { Past, PastError } from './auditor/past.js';
import type { NodeReport } from './cluster-wire.js';
import { everyNode } from './every-node.js';
import type { Address } from './gateway/http-listener.js';
import type { NodeOptions } from './node-options.js';
import type { Served } from './runtime/shard-relay.js';
import type { ServedShards } from './served-shards.js';
import { Glance } from './web/glance.js';
import { LiveFeed } from './web/live-feed.js';
import { WebDoor, WebError } from './web/web-door.js';
import { WebToken } from './web-token.js';

/** The operator's web page on this node: its door, and what that gets its answers from. */
export class WebSide {
  readonly #door: WebDoor;
  readonly #feed: LiveFeed;
  readonly #past: Past;

  constructor(listen: Address, { nc, options, log, report, isConnected, info, trackers, chain, shards }: WebSideNeeds) {
    const { natsUrl: servers, natsSeed: seed, natsTrust: trust, config } = options;
    const glance = new Glance({
      report,
      everyNode: () => everyNode(nc),
      isConnected,
      info,
      trackers,
      chain,
      shards: () => shards.states.map(([, state]) => state),
    });
    this.#feed = new LiveFeed(() => glance.now());
    this.#past = new Past({ servers, seed, trust, name: `argus ${config.node}, page` }, log);
    this.#door = new WebDoor({
      ...listen,
      token: WebToken.of(config.data),
      questions: {
        glance: () => glance.now(),
        timeline: (asked) => this.#ask({ what: 'timeline', id: (asked.get('id') ?? '').trim() }),
        at: async (asked) => this.#ask({ what: 'at', height: heightOf(asked.get('height')) }),
        growth: () => this.#ask({ what: 'growth' }),
      },
      follow: (response) => this.#feed.follow(response),
      log,
    });
  }

  get url(): string | undefined {
    return this.#door.url;
  }

  open(): Promise<void> {
    return this.#door.open();
  }

  async close(): Promise<void> {
    this.#feed.stop();
    await Promise.all([this.#door.close(), this.#past.stop()]);
  }

  /** From now on what is folded of the chain is told. */
  watchChain(fold: Fold<ChainCommit, BlockWindow>): void {
    watch(fold, (commit) => this.#feed.folded(CHAIN, commit));
  }

  /** The same of a shard that runs. Call what is returned to end that. */
  watchShard(shard: Shard, fold: Fold<ShardCommit, ShardState>): Served {
    return watch(fold, (commit) => this.#feed.folded(towerStream(shard), commit));
  }

  async #ask(question: Parameters<Past['ask']>[0]): Promise<object> {
    try {
      return await this.#past.ask(question);
    } catch (error) {
      if (error instanceof PastError) throw new WebError(STATUS[error.reason], error.message);
      throw error;
    }
  }
}

const STATUS = { wrong: 400, busy: 503, failed: 500 } as const;

function heightOf(text: string | null): number {
  if (text !== null && /^\d{1,9}$/.test(text)) return Number(text);
  throw new WebError(400, 'height is a number');
}

/** Tells what is folded, until what is returned is called. */
function watch<C extends Commit, S extends Foldable<C>>(fold: Fold<C, S>, told: (commit: Recorded) => void): Served {
  const listener = (commit: Recorded<C>) => told(commit);
  fold.on('folded', listener);
  return async () => {
    fold.off('folded', listener);
  };
}

export interface WebSideNeeds {
  readonly nc: NatsConnection;
  readonly options: NodeOptions;
  readonly report: () => Promise<NodeReport>;
  readonly isConnected: () => boolean;
  /** What `argus info` shows, and `argus trackers`, so many at the most. */
  readonly info: () => Promise<object>;
  readonly trackers: (limit: number) => Promise<object>;
  readonly chain: BlockWindow;
  readonly shards: Pick<ServedShards, 'states'>;
  readonly log: Logger;
}
