import { Counter, Histogram, Registry } from 'prom-client';
import type { BlockHash, Txid } from '../../events/ids.js';
import type { Meter } from '../meter.js';
import { publicSubjects } from '../wire.js';
import { Recent } from './recent.js';

/**
 * What a node measures of its own work while it works, for Prometheus. What may be a label's value is a fixed and short list, so the
 * number of series does not grow with what clients send.
 */
export class Meters implements Meter {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'argus_requests_total',
    help: 'Requests of clients that were answered, by operation and outcome: granted, or why not.',
    labelNames: ['operation', 'outcome'],
    registers: [this.registry],
  });
  readonly #requestSeconds = new Histogram({
    name: 'argus_request_duration_seconds',
    help: 'From a request at the Gateway to its answer, of those that were granted.',
    labelNames: ['operation'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.registry],
  });
  readonly #appendSeconds = new Histogram({
    name: 'argus_append_duration_seconds',
    help: 'From the decision to the ack of the log, of appends that were acked.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [this.registry],
  });
  readonly #appends = new Counter({
    name: 'argus_appends_total',
    help: 'Appends to the log by outcome: appended, conflict (another node was faster), failed (the log did not take it in time).',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  readonly #answerSeconds = new Histogram({
    name: 'argus_block_to_broadcast_seconds',
    help: 'From the moment at which this node heard of a block to the moment at which bitcoind took the penalty of a breach in it.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 600],
    registers: [this.registry],
  });
  readonly #seen = new Recent<BlockHash, number>(MOST_BLOCKS);
  readonly #late = new Recent<Txid, true>(MOST_BREACHES);
  readonly #answered = new Recent<Txid, true>(MOST_BREACHES);
  #underWay = 0;

  constructor(private readonly now: () => number = () => performance.now()) {
    // So that a rate is known of what has not happened yet.
    for (const outcome of ['appended', 'conflict', 'failed']) this.#appends.inc({ outcome }, 0);
    for (const operation of Object.keys(publicSubjects)) {
      if (operation === 'info') continue;
      this.#requests.inc({ operation, outcome: 'granted' }, 0);
      this.#requestSeconds.zero({ operation });
    }
  }

  /** How many requests are being served. */
  get requestsUnderWay(): number {
    return this.#underWay;
  }

  requestBegan(): void {
    this.#underWay++;
  }

  requestEnded(operation: string, outcome: string, ms: number): void {
    this.#underWay--;
    this.#requests.inc({ operation, outcome });
    if (outcome === 'granted') this.#requestSeconds.observe({ operation }, ms / 1000);
  }

  requestsRefused(operation: string, outcome: string, count: number): void {
    this.#requests.inc({ operation, outcome }, count);
  }

  appended(outcome: 'appended' | 'conflict' | 'failed', ms: number): void {
    this.#appends.inc({ outcome });
    if (outcome !== 'failed') this.#appendSeconds.observe(ms / 1000);
  }

  blockSeen(hash: BlockHash): void {
    if (!this.#seen.has(hash)) this.#seen.set(hash, this.now());
  }

  cameLate(disputeTxid: Txid): void {
    this.#late.set(disputeTxid, true);
  }

  /** Of each penalty the first time counts: it is sent again at every block. */
  penaltyTaken(penaltyTxid: Txid, disputeTxid: Txid, block: BlockHash): void {
    const seen = this.#seen.get(block);
    if (seen === undefined || this.#late.has(disputeTxid) || this.#answered.has(penaltyTxid)) return;
    this.#answered.set(penaltyTxid, true);
    this.#answerSeconds.observe((this.now() - seen) / 1000);
  }
}

/** What of blocks and breaches is remembered for it: those of a day, and more than one block holds. */
const MOST_BLOCKS = 144;
const MOST_BREACHES = 10_000;
