import type { Logger } from 'pino';
import { identitiesOf, type Succession } from '../events/identity.js';
import type { TowerId } from '../events/ids.js';
import type { BlockWindow } from '../projections/block-window.js';
import type { TowerKey } from './secrets.js';

/**
 * The tower's identities as the log has them, and those of them that this node has keys of. Users keep the one that they
 * registered with; the last one is for newcomers, and signs the tree heads.
 *
 * A node without the key of the last one goes on: it signs for the users of the others, and says that it cannot sign more.
 */
export class Identities {
  /** The one whose lack was told last. */
  #missed: TowerId | undefined;
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
    return identitiesOf(this.key.towerId, this.chain.successions).at(-1) ?? this.key.towerId;
  }

  /** The one for newcomers; undefined if that is the log's first, which is not named. */
  get forNewcomers(): TowerId | undefined {
    return this.last === this.key.towerId ? undefined : this.last;
  }

  /** Whether this node cannot sign as the one in force. */
  get isKeyMissing(): boolean {
    return !this.key.identities.includes(this.last);
  }

  /** Tells in the log, once for each, that an identity is in force, and that its key is missing. */
  review(): void {
    const { last } = this;
    if (last !== this.#told) this.logger.info({ identity: last }, 'the tower has another identity, for newcomers');
    this.#told = last;
    if (!this.isKeyMissing || this.#missed === last) return;
    this.#missed = last;
    this.logger.error(
      { identity: last },
      "this node has no key of the tower's identity: it registers nobody new and signs no tree heads; argus key import --later",
    );
  }
}
