import type { Chance } from './chance.js';
import type { Errand, Wire } from './wire.js';

interface Step {
  readonly errand: Errand;
  readonly wire: StepWire;
  /** Whether it is on its way for good: the end of its sender does not call it back. */
  readonly sent: boolean;
  readonly run: () => void;
}

/** Which of the steps that wait may be taken: undefined for a node is all of them. */
type Who = number | undefined;

/** Lets everything that was promised come to pass: after it, all are waiting for a step. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** All that is under way between the nodes, the log and their bitcoinds; what happens next is chosen, not timed. */
export class Steps {
  readonly #waiting: Step[] = [];
  /** Whether messages arrive as they are sent. */
  atOnce = false;
  logAway = false;
  /** One answer of so many to an append is lost; 0 for none. */
  lostAcks = 0;
  /** One delivery of so many comes again; 0 for none. */
  repeats = 0;

  constructor(readonly chance: Chance) {}

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  add(step: Step): void {
    this.#waiting.push(step);
  }

  /** What a node that died had sent stays on its way, if it does; all else of it is gone. */
  drop(wire: StepWire, { alsoSent }: { alsoSent: boolean }): void {
    const staying = this.#waiting.filter((step) => step.wire !== wire || (step.sent && !alsoSent));
    this.#waiting.splice(0, this.#waiting.length, ...staying);
  }

  /** Takes so many steps, each chosen by chance; false if there were fewer. */
  async take(steps: number, who?: Who): Promise<boolean> {
    await settled();
    for (let taken = 0; taken < steps; taken++) {
      const open = this.#waiting.filter((step) => this.#isOpen(step, who));
      const step = open[this.chance.below(open.length)];
      if (!step) return false;
      const again = step.errand === 'delivery' && this.repeats > 0 && this.chance.oneIn(this.repeats);
      if (!again) this.#waiting.splice(this.#waiting.indexOf(step), 1);
      step.run();
      await settled();
    }
    return true;
  }

  /** Does everything under way, and what comes of it, in the order in which it was sent. */
  async finish(): Promise<void> {
    await settled();
    for (let step = this.#waiting.shift(); step; step = this.#waiting.shift()) {
      step.run();
      await settled();
    }
  }

  #isOpen({ errand, wire }: Step, who: Who): boolean {
    if (who !== undefined && wire.node !== who) return false;
    return errand === 'log' ? !this.logAway : errand !== 'bitcoind' || !wire.bitcoindIsSlow;
  }
}

/** One life of a node: what it sends waits for a step, and is for nothing when it has died. */
export class StepWire implements Wire {
  bitcoindIsSlow = false;
  isCut = false;

  constructor(
    private readonly steps: Steps,
    readonly node: number,
  ) {}

  carry<T>(errand: Errand, arrive: () => T): Promise<T> {
    return this.#travel(errand, false, arrive);
  }

  async publish<T>(arrive: () => T): Promise<T | undefined> {
    const answer = await this.#travel('log', true, arrive);
    if (this.steps.atOnce) return answer;
    const isLost = this.steps.lostAcks > 0 && this.steps.chance.oneIn(this.steps.lostAcks);
    return this.#travel('delivery', false, () => (isLost ? undefined : answer));
  }

  #travel<T>(errand: Errand, sent: boolean, arrive: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.isCut) return;
      const run = () => {
        try {
          resolve(arrive());
        } catch (error) {
          reject(error);
        }
      };
      if (this.steps.atOnce) run();
      else this.steps.add({ errand, wire: this, sent, run });
    });
  }
}
