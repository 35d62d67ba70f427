import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Meter } from '../meter.js';
import type { Answer } from './answers.js';
import type { Operation } from './requests.js';

/** A request of a client, as the node's log and its metrics know it. No part of what was sent is in it but ids. */
export interface Noted {
  readonly operation: Operation;
  /** The request's id, which its client is told, too. */
  readonly request: string | undefined;
  /** Who signed it, once that is known. */
  user?: string;
  /** As it was sent. */
  locator?: string | undefined;
}

/**
 * One line of the node's log for each request that was decided, with the id that its client was given, and a count of it.
 *
 * What was granted or refused is `info`, of which a flood brings no more lines than `logLimits` lets through; what was only read is
 * `debug`. On a node that logs `debug`, all of them are, and none is held back.
 */
export class RequestLog {
  constructor(
    private readonly log: Logger,
    private readonly meter: Pick<Meter, 'requestBegan' | 'requestEnded'>,
  ) {}

  /** What `work` answers; `noted` is read when it has. */
  async of(noted: Noted, work: () => Promise<Answer>): Promise<Answer> {
    const began = performance.now();
    let outcome = 'failed';
    this.meter.requestBegan();
    try {
      const answer = await work();
      outcome = answer.reason ?? 'granted';
      this.#tell(noted, answer, performance.now() - began);
      return answer;
    } finally {
      this.meter.requestEnded(noted.operation, outcome, performance.now() - began);
    }
  }

  #tell(noted: Noted, { status, reason }: Answer, ms: number): void {
    const { operation } = noted;
    const isDebug = this.log.isLevelEnabled('debug');
    if (!isDebug && reason === undefined && READS.has(operation)) return;
    const line = { ...noted, status, ...(reason && { reason }), ms: Math.round(ms * 10) / 10 };
    if (isDebug) this.log.debug(line, 'answered');
    else this.log.info(line, `${operation}: ${reason ?? 'granted'}`);
  }
}

const READS = new Set<Operation>(['get_appointment', 'get_proof', 'get_subscription_info']);

/** Of one run of one node: a prefix by chance, and a number. */
const PREFIX = randomBytes(5).toString('hex');
let count = 0;

/** An id for a request. What a client calls it is not taken: it could take another's. */
export const newRequestId = (): string => `${PREFIX}-${(++count).toString(36)}`;
