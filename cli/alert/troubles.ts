/** What somebody is to be told of a tower, and when: compared from look to look. */

/** A breach that is being answered, as `argus trackers --json` shows it. */
export interface SeenTracker {
  readonly appointment_id: string;
  readonly locator: string;
  readonly user_id: string;
  readonly dispute_txid: string;
  readonly penalty_txid: string | null;
  readonly waits_for: string | null;
  readonly stuck: boolean;
}

/** What one look at a tower found. */
export interface Look {
  /** Why nobody could be asked; then nothing else is known. */
  readonly unreachable?: string;
  /** The nodes that are there. */
  readonly nodes: readonly string[];
  /** What is wrong, in words. */
  readonly alarms: readonly string[];
  readonly trackers: readonly SeenTracker[];
  /** Whether those are all: of a shard that no node serves they are not told. */
  readonly isWhole: boolean;
}

/** `over` is the end of a trouble, with its words. */
export interface Alert {
  readonly kind: 'breach' | 'stuck-penalty' | 'trouble' | 'over';
  readonly text: string;
  readonly tracker?: SeenTracker;
}

interface Trouble {
  readonly text: string;
  /** In how many looks it was seen one after the other, and in how many it was not. */
  readonly seen: number;
  readonly missed: number;
  readonly isTold: boolean;
}

/** A trouble is told when it was there at two looks, and over when it was gone at two: what mends itself wakes nobody. */
const LOOKS = 2;

/**
 * Remembers what was found, and says what is new. Breaches are told once, at the first look that has them; those that are being
 * answered at the first look of all are known already.
 */
export class Troubles {
  #nodes = new Set<string>();
  #breaches: Set<string> | undefined;
  #stuck = new Set<string>();
  #troubles = new Map<string, Trouble>();

  /** `expected`: the nodes that there should be, also if they were never seen. */
  constructor(expected: readonly string[] = []) {
    this.#nodes = new Set(expected);
  }

  next(look: Look): Alert[] {
    return [...this.#ofTrackers(look), ...this.#ofTroubles(look)];
  }

  #ofTrackers({ unreachable, trackers, isWhole }: Look): Alert[] {
    if (unreachable !== undefined) return [];
    const isFirst = this.#breaches === undefined;
    this.#breaches ??= new Set();
    const alerts: Alert[] = [];
    for (const tracker of trackers) {
      const { appointment_id: id, dispute_txid: dispute, waits_for: next } = tracker;
      if (!isFirst && !this.#breaches.has(id))
        alerts.push({ kind: 'breach', text: `breach of appointment ${id}: dispute ${dispute}`, tracker });
      if (tracker.stuck && !this.#stuck.has(id))
        alerts.push({
          kind: 'stuck-penalty',
          text: `the penalty of appointment ${id} is stuck, waiting for: ${next}`,
          tracker,
        });
      this.#breaches.add(id);
    }
    const stuck = trackers.filter((tracker) => tracker.stuck).map(({ appointment_id: id }) => id);
    this.#stuck = new Set(isWhole ? stuck : [...this.#stuck, ...stuck]);
    return alerts;
  }

  #ofTroubles(look: Look): Alert[] {
    const now = new Map(this.#troublesOf(look));
    const alerts: Alert[] = [];
    for (const key of new Set([...this.#troubles.keys(), ...now.keys()])) {
      const text = now.get(key);
      const before = this.#troubles.get(key) ?? { text: text ?? '', seen: 0, missed: 0, isTold: false };
      // Of who cannot be asked nothing else is known to be over.
      if (text === undefined && look.unreachable !== undefined) continue;
      const after =
        text === undefined
          ? { ...before, seen: 0, missed: before.missed + 1 }
          : { ...before, text, seen: before.seen + 1, missed: 0 };
      if (text !== undefined && after.seen >= LOOKS && !after.isTold) {
        alerts.push({ kind: 'trouble', text });
        this.#troubles.set(key, { ...after, isTold: true });
      } else if (after.missed >= LOOKS || (text === undefined && !after.isTold)) {
        if (after.isTold) alerts.push({ kind: 'over', text: after.text });
        this.#troubles.delete(key);
      } else this.#troubles.set(key, after);
    }
    return alerts;
  }

  /** What is wrong, in words, by what it is called as long as it is the same. */
  #troublesOf({ unreachable, nodes, alarms }: Look): [key: string, text: string][] {
    if (unreachable !== undefined) return [['unreachable', `the tower cannot be asked: ${unreachable}`]];
    for (const node of nodes) this.#nodes.add(node);
    const gone = Array.from(this.#nodes).filter((node) => !nodes.includes(node));
    return [
      ...gone.map((node): [string, string] => [`gone ${node}`, `node ${node} is gone`]),
      ...alarms.map((text): [string, string] => [withoutNumbers(text), text]),
    ];
  }
}

/** Heights and counts go on while a trouble is the same; names that are numbers, or hold some, stay. */
const withoutNumbers = (text: string): string => text.replace(/(?<!node |[\w.-])\d+(?![\w.-])/g, '#');
