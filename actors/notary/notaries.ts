import { join } from 'node:path';
import { identitiesOf, type Succession } from '../../events/identity.js';
import type { Position, Shard } from '../../events/ids.js';
import { HeadStore } from '../../events/log/heads.js';
import type { EventLog } from '../../events/log/log.js';
import type { NodeOptions } from '../node-options.js';
import { Notary, type NotaryNeeds } from './notary.js';
import { Prover } from './prover.js';
import { TreeKeeper } from './tree-keeper.js';

/** What the Notaries of a node share: its key, the heads on the log, and the thread that hashes. */
export class Notaries {
  readonly #trees: TreeKeeper;
  readonly #heads: HeadStore;
  readonly prover: Prover;

  constructor(
    private readonly log: EventLog,
    private readonly options: NodeOptions,
    private readonly successions: () => readonly Succession[],
  ) {
    const { natsUrl: servers, natsSeed: seed, natsTrust: trust, config, logger } = options;
    const name = `argus ${config.node}, hashing`;
    const setting = { servers, seed, trust, name, folder: join(config.data, 'trees') };
    this.#trees = new TreeKeeper(setting, logger.child({ actor: 'notary' }));
    this.#heads = new HeadStore(log);
    const message = (shard: Shard, position: Position) => log.bytesAt(position, shard);
    this.prover = new Prover({ heads: this.#heads, trees: this.#trees, message, successions });
  }

  /** The Notary of a shard with that fold. */
  of(shard: Shard, fold: NotaryNeeds['fold']): Notary {
    const { key, logger } = this.options;
    const log = logger.child({ shard, actor: 'notary' });
    const { towerId, identities: keys, sign } = key;
    const identities = () => identitiesOf(towerId, this.successions());
    const signing = { towerId, identities, keys, sign };
    return new Notary({ shard, ...signing, commits: this.log, fold, heads: this.#heads, trees: this.#trees, log });
  }

  stop(): Promise<void> {
    return this.#trees.stop();
  }
}
