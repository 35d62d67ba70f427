import type { Logger } from 'pino';
import { identitiesOf, type Succession } from '../events/identity.js';
import type { TowerId } from '../events/ids.js';
import type { BlockWindow } from '../projections/block-window.js';
import type { TowerKey } from './secrets.js';

/**
 * The tower's identities as the log has them, and those of them that this node has keys of. Users keep the one that they
 * registered with; the last one is for newcomers, and signs the tree heads.
 *
 * A node without the key of one goes on: it signs for the users of the others, and says what it cannot do, and how that is mended.
 */
export class Identities {
  /** Those whose lack was told. */
  readonly #missed = new Set<TowerId>();
  #told: TowerId;

  constructor(
    private readonly key: Pick<TowerKey, 'towerId' | 'identities'>,
    private readonly chain: Pick<BlockWindow, 'successions'>,
    private readonly logger: Logger,
  ) {
    this.#told = key.towerId;
  }

  get successions(): readonly Succession[] {
    return this.chain.successions;
  }

  /** The one in force. */
  get last(): TowerId {
    return this.#all.at(-1) ?? this.key.towerId;
  }

  /** The one for newcomers; undefined if that is the log's first, which is not named. */
  get forNewcomers(): TowerId | undefined {
    return this.last === this.key.towerId ? undefined : this.last;
  }

  /** Those that this node cannot sign as. */
  get missing(): readonly TowerId[] {
    return this.#all.filter((identity) => !this.key.identities.includes(identity));
  }

  /** Tells in the log, once for each, that an identity is in force, and that the key of one is missing. */
  review(): void {
    const { last } = this;
    if (last !== this.#told) this.logger.info({ identity: last }, 'the tower has another identity, for newcomers');
    this.#told = last;
    for (const identity of this.missing) {
      if (this.#missed.has(identity)) continue;
      this.#missed.add(identity);
      this.logger.error({ identity }, identity === last ? NONE_OF_LAST : NONE_OF_OLDER);
    }
  }

  get #all(): readonly TowerId[] {
    return identitiesOf(this.key.towerId, this.chain.successions);
  }
}

const MEND = 'argus key export --id on a node that has it, argus key import --later here, and start this node anew';
const NONE_OF_LAST = `this node has no key of the tower's identity: it registers nobody new and signs no tree heads; ${MEND}`;
const NONE_OF_OLDER = `this node has no key of an older identity of the tower's: it signs nothing for who registered by that; ${MEND}`;
