import { BitcoindRefused } from '../../actors/bitcoind/rpc-errors.js';
import type { TowerClient } from '../../actors/client/tower-client.js';
import { foldedStates } from '../stage/folded-states.js';
import type { Operator } from '../stage/operator.js';
import type { Stage } from '../stage/stage.js';
import { until } from '../support/until.js';
import { check, type Findings } from './checker/check.js';
import type { Account } from './checker/evidence.js';
import type { Ledger } from './ledger.js';

/** After the last mishap: everything that was begun comes to its end, as far as it will within the limits of `until`. */
export class Ending {
  constructor(
    private readonly stage: Stage,
    private readonly ledger: Ledger,
    private readonly operator: Operator,
    private readonly tell: (what: string) => void,
  ) {}

  /** Every dispute that was begun is mined, every penalty after it, in so many blocks, and 100 blocks on top. */
  async bring(blocks = 4): Promise<void> {
    const { a } = this.stage.link;
    await this.#untilLevel();
    for (const { disputeTx } of this.ledger.begun.values())
      await a.chain.send(disputeTx).catch((error: unknown) => {
        if (!(error instanceof BitcoindRefused)) throw error; // it is mined, or there already
      });
    for (let round = 0; round < blocks; round++) {
      await a.chain.mine();
      await this.stage.link.join();
      await this.#untilLevel();
      await this.#settled();
    }
    await a.chain.mine(100);
    await this.stage.link.join();
    await this.#untilLevel();
    await this.#settled();
  }

  /** What the checker says, of what these clients are told too, and whether all nodes have made the same of the log. */
  async judge(clients: readonly TowerClient[]): Promise<Findings> {
    const { stage, ledger } = this;
    const { rpcUrl: url, cookieFile } = stage.link.a.bitcoind;
    const findings = await check({
      towerId: stage.towerId,
      shards: stage.options.shards,
      evidence: ledger,
      accounts: await this.#accounts(clients),
      nc: await stage.connect('node'),
      bitcoind: { url, cookieFile },
    });
    const differences = await foldedStates(stage, this.operator);
    return { ...findings, violations: [...ledger.broken, ...findings.violations, ...differences] };
  }

  async #accounts(clients: readonly TowerClient[]): Promise<Map<string, Account>> {
    const told = new Map<string, Account>();
    for (const client of clients) {
      const { available_slots: availableSlots, locators } = await client.getSubscriptionInfo();
      told.set(client.userId, { availableSlots, locators });
    }
    return told;
  }

  #untilLevel(): Promise<void> {
    return this.operator.untilLevel(this.stage.nodes.length);
  }

  /** Resolves when everything that follows from the blocks is on the log: nothing was added to it for two seconds. */
  async #settled(): Promise<void> {
    let last = '';
    let same = 0;
    await this.#patiently('the log stands still', async () => {
      const now = JSON.stringify((await this.operator.info()).shards.map(({ position }) => position));
      same = now === last ? same + 1 : 0;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return same >= 20;
    });
  }

  /** Whatever does not come is for the checker to say more of. */
  async #patiently(what: string, look: () => Promise<boolean>): Promise<void> {
    try {
      await until(what, () => look().catch(() => false));
    } catch (error) {
      this.tell(String(error));
    }
  }
}
