import type { Shard, TowerId } from '../../events/ids.js';
import { CHECKPOINTS } from '../../events/log/streams.js';
import { recoverSigner } from '../../events/signing/message.js';
import { decodeHead, headHash, headMessage, type TreeHead } from '../../events/tree-head.js';
import type { AuditMessage } from './audit-source.js';
import type { Finding } from './findings.js';
import type { SignatureChecks } from './signature-checks.js';

/** A head that the log is to bear out: one of `CHECKPOINTS`, or one that the auditor has from elsewhere. */
export interface ExpectedHead {
  readonly size: number;
  readonly root: string;
  readonly height: number;
  readonly blockHash: string;
  /** Where it is told from: a position of `CHECKPOINTS`, or 0 and the auditor's own name for it. */
  readonly position: number;
  readonly name?: string;
}

/** The newest head of a shard. */
export interface LastHead {
  readonly position: number;
  readonly size: number;
  readonly root: string;
  readonly hash: string;
  /** Which of the tower's identities signed it. */
  readonly by?: number;
}

/** As they are saved between two audits: the newest, and those that the log was not compared with yet. */
export interface SavedHeads {
  readonly last: readonly (readonly [Shard, LastHead])[];
  readonly expected: readonly (readonly [Shard, readonly ExpectedHead[]])[];
}

/**
 * The signed heads, as `CHECKPOINTS` has them: each signed by the tower, each the next of its shard, each over more than the one
 * before it. Whether their roots are right is for whoever reads the shard to say.
 */
export class HeadRecord {
  readonly #expected = new Map<Shard, ExpectedHead[]>();
  readonly #last: Map<Shard, LastHead>;
  count = 0;

  constructor(
    private readonly needs: {
      /** The tower's identities, in their order, as the chain's log has them by the time a head is looked at. */
      readonly identities: readonly TowerId[];
      readonly shards: number;
      readonly signatures: SignatureChecks;
      readonly found: (finding: Finding) => void;
    },
    saved?: SavedHeads,
  ) {
    this.#last = new Map(saved?.last);
    for (const [shard, heads] of saved?.expected ?? []) this.#expected.set(shard, [...heads]);
  }

  /** `done`: how far each shard was compared with them. */
  save(done: (shard: Shard) => number): SavedHeads {
    const rest = [...this.#expected].map(
      ([shard, heads]) => [shard, heads.filter(({ size, position }) => position > 0 && size > done(shard))] as const,
    );
    return { last: [...this.#last], expected: rest };
  }

  apply({ data, position, subject }: AuditMessage): void {
    const wrong = (what: string, why: string) => this.needs.found({ stream: CHECKPOINTS, position, what, why });
    const head = readHead(data);
    this.count++;
    if (!head) {
      wrong('head', 'this is no tree head');
      return;
    }
    const { shard, treeSize, previous } = head;
    if (subject !== `argus.checkpoint.${shard}` || shard >= this.needs.shards)
      wrong('head', `a head of shard ${shard} on ${subject}`);
    const last = this.#last.get(shard);
    if (last && treeSize === last.size && head.root !== last.root)
      wrong(
        'two-heads',
        `the tower has signed two different heads of size ${treeSize}: the other is at ${last.position}`,
      );
    else if (last && treeSize <= last.size)
      wrong('head', `a head over ${treeSize} messages after one over ${last.size}`);
    if (previous !== (last?.hash ?? null))
      wrong(
        'head',
        last ? `it does not name the head before it, at ${last.position}` : 'the first head names one before it',
      );
    const by = this.#sign(head, { stream: CHECKPOINTS, position, of: 'the head' });
    if (by < (last?.by ?? 0)) wrong('head', 'it is signed by an older identity of the tower than the head before it');
    this.#expect(head, position);
    this.#last.set(shard, { position, size: treeSize, root: head.root, hash: headHash(head), by });
  }

  /** A head that the auditor has kept, or was given by somebody. */
  known(head: TreeHead, name: string): void {
    const { shard, treeSize, root } = head;
    this.#sign(head, { stream: CHECKPOINTS, position: 0, of: name });
    const other = this.expected(shard).find((one) => one.size === treeSize && one.root !== root);
    if (!other) {
      this.#expect(head, 0, name);
      return;
    }
    const { position } = other;
    const why = `the tower has signed two different heads of size ${treeSize}: the other is ${name}`;
    this.needs.found({ stream: CHECKPOINTS, position, what: 'two-heads', why });
  }

  /** Those of a shard, the smallest first. */
  expected(shard: Shard): readonly ExpectedHead[] {
    return (this.#expected.get(shard) ?? []).toSorted((a, b) => a.size - b.size);
  }

  /** Gives the number of the identity that signed it; of one that none did, that of the first, by which it is checked. */
  #sign(head: TreeHead, place: Parameters<SignatureChecks['message']>[3]): number {
    const { identities, signatures } = this.needs;
    const message = headMessage(head);
    // Nearly always there is one, and others see to it.
    const signer: string | undefined = identities.length > 1 ? recoverSigner(message, head.signature) : undefined;
    const by = signer === undefined ? 0 : Math.max(0, identities.indexOf(signer as TowerId));
    const [first] = identities;
    if (first !== undefined) signatures.message(message, head.signature, identities[by] ?? first, place);
    return by;
  }

  #expect({ shard, treeSize: size, root, height, blockHash }: TreeHead, position: number, name?: string): void {
    const heads = this.#expected.get(shard) ?? [];
    heads.push({ size, root, height, blockHash, position, ...(name !== undefined && { name }) });
    this.#expected.set(shard, heads);
  }
}

function readHead(data: Uint8Array): TreeHead | undefined {
  try {
    return decodeHead(data);
  } catch {
    return undefined;
  }
}
