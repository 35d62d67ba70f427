import type { Logger } from 'pino';
import type { PolicyCommit } from '../events/commit.js';
import type { Shard } from '../events/ids.js';
import type { EventLog } from '../events/log/log.js';
import { POLICY } from '../events/log/streams.js';
import { Fold } from '../projections/fold.js';
import { PolicyState } from '../projections/policy.js';
import type { Config } from './config.js';
import { type Limits, liveLimits } from './config-limits.js';
import { Doorkeeper } from './doorkeeper/doorkeeper.js';
import { Transactor } from './runtime/transact.js';
import { why } from './runtime/why.js';

/** What of a node is of no shard and no chain: who may register. Every node folds all of it, since it is little. */
export class PolicySide {
  readonly doorkeeper: Doorkeeper;
  /** How much this node takes, as that is at any time. */
  readonly limits: Limits;
  readonly #fold: Fold<PolicyCommit, PolicyState>;
  readonly #transactor: Transactor<PolicyState>;

  constructor({ log, config, giveUp, logger }: PolicySideNeeds) {
    const { node, registration, limits } = config;
    this.#fold = new Fold<PolicyCommit, PolicyState>(log, POLICY, NO_SHARD, new PolicyState(), giveUp);
    this.#fold.on('waiting', (error) => logger.warn(why(error), 'waiting for the invites on the log'));
    this.#transactor = new Transactor<PolicyState>(NO_SHARD, log, this.#fold, node);
    this.doorkeeper = new Doorkeeper({
      fold: this.#fold,
      transactor: this.#transactor,
      policy: registration.policy,
      log: logger.child({ actor: 'doorkeeper' }),
    });
    this.limits = liveLimits(limits, () => this.#fold.state.limits.state);
  }

  /** Resolves when this node knows all that there was when it was called. */
  async level(): Promise<void> {
    await this.#fold.level();
  }

  stop(): void {
    this.#transactor.stop();
    this.#fold.stop();
  }
}

/** Where what is of no shard is asked for one. */
const NO_SHARD = 0 as Shard;

export interface PolicySideNeeds {
  readonly log: EventLog;
  readonly config: Pick<Config, 'node' | 'registration' | 'limits'>;
  readonly giveUp: (error: Error) => void;
  readonly logger: Logger;
}
