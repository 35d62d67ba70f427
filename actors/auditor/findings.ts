import type { MissingMessageError } from '../../events/log/errors.js';

/** What an audit found to be wrong, by its place on the log. */

export interface Finding {
  readonly stream: string;
  /** Of the message that is wrong, or is missing; 0 where it is no one message. */
  readonly position: number;
  /** A short name of what it is, for programs. */
  readonly what: string;
  /** What is wrong and why, in a sentence for people. */
  readonly why: string;
}

/** What is found, in whatever order; there may be very many on a log that is not one at all, so that only some are kept. */
export class Findings {
  readonly #found: Finding[] = [];
  #count = 0;

  constructor(
    /** How many are wanted: with one, the work ends soon after it. */
    private readonly most: number,
  ) {}

  add(finding: Finding): void {
    this.#count++;
    if (this.#found.length < MOST_NAMED) this.#found.push(finding);
  }

  get count(): number {
    return this.#count;
  }

  /** Whether there are as many as are wanted. */
  get areEnough(): boolean {
    return this.#count >= this.most;
  }

  /** In the order of streams, as `streams` has it, and positions: the first thing wrong comes first. */
  inOrder(streams: readonly string[]): readonly Finding[] {
    const rank = ({ stream }: Finding) => (streams.includes(stream) ? streams.indexOf(stream) : streams.length);
    const sorted = this.#found.toSorted((a, b) => rank(a) - rank(b) || a.position - b.position);
    return sorted.slice(0, this.most);
  }
}

/** So many findings are named at the most: those that are found first, which need not be the first on the log. */
export const MOST_NAMED = 10_000;

/** What a message is that is not there. */
export const missing = ({ stream, position, message }: MissingMessageError): Finding => ({
  stream,
  position,
  what: 'missing',
  why: `${message}, though nothing may be deleted there`,
});

/** Says what is wrong with the message that is being looked at. */
export type Complain = (what: string, why: string) => void;
