import type { ChainCommit, Recorded } from '../../events/commit.js';
import type { BlockHash } from '../../events/ids.js';

/** What is folded of the chain, and tells of what is new. */
interface Chain {
  readonly state: { readonly tip: { readonly hash: BlockHash } | undefined };
  on(event: 'folded', listener: (commit: Recorded<ChainCommit>) => void): unknown;
}

/**
 * When the newest block of the log was mined, by its header: heard from when it is first asked for on. A replay is not listened to, since
 * it is slower then.
 */
export class LastBlock {
  #last: { readonly hash: BlockHash; readonly time: number } | undefined;
  #isHearing = false;

  constructor(private readonly chain: Chain) {}

  /** In seconds since 1970; undefined if that block came before anybody asked. */
  time(isLevel: boolean): number | undefined {
    if (isLevel && !this.#isHearing) {
      this.#isHearing = true;
      this.chain.on('folded', ({ events }) => {
        for (const event of events)
          if (event.type === 'BlockConnected') this.#last = { hash: event.hash, time: event.time };
      });
    }
    return this.#last?.hash === this.chain.state.tip?.hash ? this.#last?.time : undefined;
  }
}
