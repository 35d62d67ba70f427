import type { Running } from '../runtime/supervisor.js';
import type { ZmqLine } from '../runtime/zmq-line.js';
import { BlockSignal } from './block-signal.js';
import { ChainMonitor, type ChainMonitorNeeds } from './chain-monitor.js';

/** A ChainMonitor at work, with what wakes it. */
export class Monitoring implements Running {
  readonly #monitor: ChainMonitor;
  readonly #signal: BlockSignal;
  readonly #done: Promise<void>;

  /** `fail` is called when it cannot go on. */
  constructor(
    needs: ChainMonitorNeeds,
    wakening: { readonly zmqUrl: string | undefined; readonly pollMs: number },
    fail: (error: Error) => void,
  ) {
    this.#monitor = new ChainMonitor(needs);
    this.#signal = new BlockSignal((announced) => this.#monitor.wake(announced), { ...wakening, log: needs.logger });
    this.#signal.start();
    this.#done = this.#monitor.run().catch(fail);
  }

  /** Whether bitcoind answered when it was last asked; undefined before that. */
  get bitcoindReachable(): boolean | undefined {
    return this.#monitor.bitcoindReachable;
  }

  /** How the line is over which bitcoind announces blocks. */
  get line(): ZmqLine {
    return this.#signal.line;
  }

  async stop(): Promise<void> {
    this.#signal.stop();
    this.#monitor.stop();
    await this.#done;
  }
}
