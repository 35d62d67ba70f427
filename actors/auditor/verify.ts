import { sha256, toHex } from '../../events/bytes.js';
import { UnknownEventError } from '../../events/codec.js';
import { type ChainCommit, DamagedCommitError, decodeCommit } from '../../events/commit.js';
import type { Shard } from '../../events/ids.js';
import { MissingMessageError } from '../../events/log/errors.js';
import { blobStream, CHAIN, CHECKPOINTS, POLICY, towerStream } from '../../events/log/streams.js';
import type { AuditMessage } from './audit-source.js';
import { ChainRecord } from './chain-record.js';
import {
  type ChainCounts,
  checkClaims,
  checkHeaders,
  interruptible,
  type MinedClaim,
  unlessAborted,
} from './chain-witness.js';
import { type Finding, Findings, missing } from './findings.js';
import { HeadRecord } from './head-record.js';
import { PolicyRecord } from './policy-record.js';
import { checkGoesOn, type Done, type SavedAudit } from './saved-audit.js';
import { ShardAudit } from './shard-audit.js';
import { SignatureChecks } from './signature-checks.js';
import { auditTrim } from './trim-audit.js';
import type { Verdict, VerifyOptions } from './verify-options.js';

/**
 * Whether a log is one that a tower would have written, and has signed:
 *
 *   CHAIN -> CHECKPOINTS -> POLICY -> TOWER_0, beside BLOBS_0 -> TOWER_1 ... -> a witness of the chain, if there is one
 *
 * All is read once, in order and in bounded memory but for what it comes to: users, live appointments, breaches and blocks.
 */

/** Rejects with `LogUnavailableError` if the log cannot be read, with what the witness fails with, with the signal's reason. */
export async function verify(options: VerifyOptions): Promise<Verdict> {
  const findings = new Findings(options.most);
  const signatures = new SignatureChecks(options.towerId, options.threads, (finding) => findings.add(finding));
  try {
    return await new Verification(options, findings, signatures).run();
  } finally {
    await signatures.stop();
  }
}

/** The last positions of all streams that are looked at: of no stream is more read than of those that it follows from. */
interface Tails {
  readonly chain: number;
  readonly heads: number;
  readonly policy: number;
  readonly shards: readonly { readonly log: number; readonly blobs: number }[];
}

class Verification {
  readonly #chain: ChainRecord;
  readonly #heads: HeadRecord;
  readonly #shards: (ShardAudit | undefined)[] = [];
  readonly #claims: MinedClaim[][] = [];
  readonly #trimmedTo: number[] = [];
  #chainDone: Done;
  #headsDone: Done;
  readonly #policy = new PolicyRecord();
  #policyDone: Done = { position: 0, digest: '' };
  #savedAt = performance.now();

  constructor(
    private readonly options: VerifyOptions,
    private readonly findings: Findings,
    private readonly signatures: SignatureChecks,
  ) {
    const { saved, source, towerId } = options;
    this.#chain = new ChainRecord(towerId, saved?.chain);
    const found = (finding: Finding) => findings.add(finding);
    this.#heads = new HeadRecord(
      { identities: this.#chain.identities, shards: source.shards, signatures, found },
      saved?.heads,
    );
    this.#chainDone = saved?.chainDone ?? { position: 0, digest: '' };
    this.#headsDone = saved?.headsDone ?? { position: 0, digest: '' };
  }

  async run(): Promise<Verdict> {
    const { options, findings } = this;
    if (options.saved) checkGoesOn(options.saved, options);
    const tails = await this.#tails();
    await this.#compareWithEarlier(tails);
    if (!findings.areEnough) await this.#readAll(tails);
    await this.signatures.settled();
    const chain = findings.areEnough ? undefined : await this.#askWitness();
    if (findings.count === 0) options.save?.(this.#state());
    const streams = [
      CHAIN,
      CHECKPOINTS,
      POLICY,
      ...tails.shards.flatMap((_, i) => [towerStream(i as Shard), blobStream(i as Shard)]),
    ];
    return { findings: findings.inOrder(streams), found: findings.count, counts: this.#counts(), chain };
  }

  async #tails(): Promise<Tails> {
    const { source, progress, saved } = this.options;
    const heads = await source.tail(CHECKPOINTS);
    const shards = [];
    for (let i = 0; i < source.shards; i++) {
      const log = await source.tail(towerStream(i as Shard));
      shards.push({ log, blobs: await source.tail(blobStream(i as Shard)) });
      progress.expect(log - (saved?.shards[i]?.position ?? 0));
    }
    const policy = await source.tail(POLICY);
    const chain = await source.tail(CHAIN);
    progress.expect(heads - this.#headsDone.position + policy + chain - this.#chainDone.position);
    return { chain, heads, policy, shards };
  }

  /** What was there at the last audit has to be there still: a log that was set back, or begun anew, shows by that. */
  async #compareWithEarlier(tails: Tails): Promise<void> {
    const { saved } = this.options;
    if (!saved) return;
    await this.#isStill(CHAIN, saved.chainDone, tails.chain);
    await this.#isStill(CHECKPOINTS, saved.headsDone, tails.heads);
    if (this.options.source.hasPolicy) await this.#isStill(POLICY, saved.policyDone, tails.policy);
    for (const [i, shard] of saved.shards.entries())
      if (shard) await this.#isStill(towerStream(i as Shard), shard, tails.shards[i]?.log ?? 0);
  }

  async #isStill(stream: string, { position, digest }: Done, tail: number): Promise<void> {
    if (position === 0) return;
    const found = (what: string, why: string) =>
      this.findings.add({ stream, position: Math.min(position, tail + 1), what, why });
    if (tail < position)
      return found('rolled-back', `it had ${position} messages at the last audit, and has ${tail}: it was set back`);
    await this.#guarded(async () => {
      for await (const [message] of this.options.source.read(stream, position, position, this.options.signal))
        if (message && toHex(sha256(message.data)) !== digest)
          found('rewritten', 'this message is another one than at the last audit');
    });
  }

  async #readAll(tails: Tails): Promise<void> {
    const { source, known } = this.options;
    const { findings } = this;
    this.#chainDone = await this.#each(CHAIN, this.#chainDone, tails.chain, (message) => this.#applyChain(message));
    if (findings.areEnough) return;
    this.#headsDone = await this.#each(CHECKPOINTS, this.#headsDone, tails.heads, (message) =>
      this.#heads.apply(message),
    );
    for (const { head, name } of known) this.#heads.known(head, name);
    this.#policyDone = await this.#each(POLICY, this.#policyDone, tails.policy, (message) =>
      this.#applyPolicy(message),
    );
    for (let i = 0; i < source.shards && !findings.areEnough; i++) {
      const shard = this.#shardAudit(i as Shard, tails.shards[i] ?? { log: 0, blobs: 0 });
      this.#shards[i] = shard;
      await this.#guarded(() => shard.run());
    }
    await this.#auditTrims();
  }

  /** What a log says of its trimming can be judged by whoever has the archive, too. */
  async #auditTrims(): Promise<void> {
    const { source, towerId, signal } = this.options;
    const { parts, shards } = source;
    if (!parts) return;
    const found = (finding: Finding) => this.findings.add(finding);
    for (let i = 0; i < shards && !this.findings.areEnough; i++)
      await this.#guarded(async () => {
        this.#trimmedTo[i] = await auditTrim(i as Shard, parts, towerId, found, { signal });
      });
  }

  #shardAudit(shard: Shard, through: Tails['shards'][number]): ShardAudit {
    const { source, towerId, erasureMs, witness, progress, signal, saved } = this.options;
    const claims: MinedClaim[] = [];
    this.#claims[shard] = claims;
    return new ShardAudit(
      {
        source,
        shard,
        shards: source.shards,
        towerId,
        chain: this.#chain,
        heads: this.#heads.expected(shard),
        signatures: this.signatures,
        policy: source.hasPolicy ? this.#policy : undefined,
        through,
        erasureMs,
        found: (finding) => this.findings.add(finding),
        isEnough: () => this.findings.areEnough,
        claims: witness && claims,
        read: (count) => progress.add(count),
        between: () => this.#between(),
        signal,
      },
      saved?.shards[shard],
    );
  }

  /** Reads on from where it was; gives where it is then. A message that is not there ends it, and is told. */
  async #each(stream: string, from: Done, through: number, act: (message: AuditMessage) => void): Promise<Done> {
    const { source, signal, progress } = this.options;
    let last: AuditMessage | undefined;
    await this.#guarded(async () => {
      for await (const batch of source.read(stream, from.position + 1, through, signal)) {
        for (const message of batch) {
          act(message);
          last = message;
          if (this.findings.areEnough) return;
        }
        if (this.signatures.isFull) await this.signatures.room();
        progress.add(batch.length);
      }
    });
    return last ? { position: last.position, digest: toHex(sha256(last.data)) } : from;
  }

  async #guarded(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof MissingMessageError)) throw error;
      this.findings.add(missing(error));
    }
  }

  #applyChain({ data, position, subject }: AuditMessage): void {
    const complain = (what: string, why: string) => this.findings.add({ stream: CHAIN, position, what, why });
    try {
      const commit = decodeCommit(data);
      if (commit.aggregate.kind !== 'chain' || subject !== 'argus.chain')
        complain('subject', `a commit of ${commit.aggregate.kind} on ${subject}`);
      else this.#chain.apply({ ...(commit as ChainCommit), position }, Date.parse(commit.time), data.length, complain);
    } catch (error) {
      if (!(error instanceof DamagedCommitError || error instanceof UnknownEventError)) throw error;
      complain('commit', error.message);
    }
  }

  #applyPolicy(message: AuditMessage): void {
    const { position } = message;
    this.#policy.apply(message, this.#chain, (what, why) => this.findings.add({ stream: POLICY, position, what, why }));
  }

  async #askWitness(): Promise<ChainCounts | undefined> {
    const { witness: find, source, signal } = this.options;
    if (!find) return undefined;
    const asked = () => find((hash) => this.#chain.block(hash as never) !== undefined);
    const witness = interruptible(await unlessAborted(asked, signal), signal);
    const counts = { blocks: 0, blocks_unknown: 0, transactions: 0, transactions_unread: 0 };
    const found = (finding: Finding) => this.findings.add(finding);
    await checkHeaders(this.#chain, witness, counts, found);
    for (let i = 0; i < source.shards; i++)
      await checkClaims(towerStream(i as Shard), this.#claims[i] ?? [], witness, counts, found);
    return counts;
  }

  /** Keeps what it has come to now and then, where nothing is wrong so far and nothing is still to be known. */
  async #between(): Promise<void> {
    const { save, saveEveryMs, witness } = this.options;
    // What a witness is to be asked about is not kept: such an audit begins anew.
    if (!save || witness || performance.now() - this.#savedAt < saveEveryMs) return;
    await this.signatures.settled();
    if (this.findings.count === 0) save(this.#state());
    this.#savedAt = performance.now();
  }

  #state(): SavedAudit {
    const { towerId, source, saved } = this.options;
    const shards = Array.from({ length: source.shards }, (_, i) => this.#shards[i]?.save() ?? saved?.shards[i]);
    return {
      towerId,
      network: source.identity.network,
      chain: this.#chain.save(),
      chainDone: this.#chainDone,
      heads: this.#heads.save((shard) => shards[shard]?.position ?? 0),
      headsDone: this.#headsDone,
      policyDone: this.#policyDone,
      seen: {
        blobs: source.hasBlobs && (saved?.seen.blobs ?? true),
        policy: source.hasPolicy && (saved?.seen.policy ?? true),
      },
      shards,
    };
  }

  #counts(): Readonly<Record<string, unknown>> {
    return {
      chain_messages: this.#chainDone.position,
      heads: this.#headsDone.position,
      policy_messages: this.#policyDone.position,
      signatures: this.signatures.count,
      shards: this.#shards.flatMap((shard, i) => {
        const trimmed_to = this.#trimmedTo[i];
        return shard ? [{ shard: i, ...shard.counts, ...(trimmed_to && { trimmed_to }) }] : [];
      }),
    };
  }
}
