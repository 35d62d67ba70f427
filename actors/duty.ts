/**
 * Whether a node takes its clients' requests. It does, until its operator has it drain, or it is told to stop.
 *
 * That is a state of the process and no event: it is about this process's doors, not about the tower, and the node that is started in
 * its place takes requests again. A drained node goes on watching, and answers breaches.
 */
export class Duty {
  #draining = false;
  #stopping = false;
  /** One change after another: a door that is closing cannot be opened. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly needs: DutyNeeds) {}

  get isDraining(): boolean {
    return this.#draining;
  }

  get isStopping(): boolean {
    return this.#stopping;
  }

  /** Whether requests are taken. */
  get isOn(): boolean {
    return !this.#draining && !this.#stopping;
  }

  /** Takes no more requests, or takes them again; resolves when the doors are so. What is under way is answered. */
  drain(on: boolean): Promise<void> {
    this.#draining = on;
    const change = this.#last.then(() => (on ? this.needs.shut() : this.needs.open()));
    this.#last = change.catch(() => undefined);
    return change;
  }

  /** The node is to end. What asked for it is answered first. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    setTimeout(this.needs.stop, ANSWER_MS);
  }
}

/** How long whoever asked has to be told, in ms, before the node goes. */
const ANSWER_MS = 200;

export interface DutyNeeds {
  /** The doors turn to others who ask, or take them again. */
  readonly shut: () => Promise<void>;
  readonly open: () => Promise<void>;
  /** Ends the node. */
  readonly stop: () => void;
}
