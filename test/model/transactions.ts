import { Transaction } from 'bitcoinjs-lib';
import { concat, fromHex, reversed, toHex } from '../../events/bytes.js';
import { Locator, Txid } from '../../events/ids.js';
import { blobHash } from '../../events/log/blobs.js';
import type { SchemeName } from '../../events/schemes/scheme.js';
import { schemes } from '../../events/schemes/schemes.js';
import { hexOf } from '../fixtures/ids.js';

/** Every transaction there can be in a run, made once: some channels, and all that may become of them. */

export interface Tx {
  readonly id: Txid;
  readonly internal: Uint8Array;
  readonly rawTx: string;
  /** The one output that it spends; whatever spends the same is its rival. */
  readonly spends: string;
  /** Whose output that is; undefined for a funding output, which has been there for ever. */
  readonly parent: Tx | undefined;
  /** The same as people write it: the txid and the index of the output. */
  readonly outpoint: string;
  /** Whether the rules of consensus forbid it. */
  readonly invalid: boolean;
}

export interface Dispute extends Tx {
  /** What users may have signed against it: all but the last are valid, and the third takes two slots. */
  readonly penalties: readonly Tx[];
  /** How the cheater may keep its loot. */
  readonly sweep: Tx;
}

export const CHANNELS = 2;
export const VERSIONS = 2;
/** 0 to 2 a penalty, 3 a penalty that is invalid, 4 what nobody can open, 5 what is no transaction. */
export const VARIANTS = 6;

export const outpointOf = (txid: string, vout: number): string => `${txid}:${vout}`;

function transaction(label: string, input: string, parent?: Tx, { bytes = 20, invalid = false } = {}): Tx {
  const made = new Transaction();
  made.version = 2;
  const from = parent?.internal ?? fromHex(hexOf(input, 32));
  made.addInput(from, 0);
  made.addOutput(fromHex(hexOf(label, 20).padEnd(2 * bytes, '6a')), 1000n);
  const id = Txid.parse(made.getId());
  const outpoint = outpointOf(toHex(reversed(from)), 0);
  return { id, internal: reversed(fromHex(id)), rawTx: made.toHex(), spends: input, parent, outpoint, invalid };
}

function dispute(channel: number, version: number): Dispute {
  const name = `${channel}/${version}`;
  const revoked = transaction(`dispute ${name}`, `funding ${channel}`);
  const penalties = [{}, {}, { bytes: 2500 }, { invalid: true }].map((about, n) =>
    transaction(`penalty ${name}/${n}`, `to-local ${name}`, revoked, about),
  );
  // The same object, since a transaction is told from its rivals by being another one.
  return Object.assign(revoked, { penalties, sweep: transaction(`sweep ${name}`, `to-local ${name}`, revoked) });
}

const disputes = Array.from({ length: CHANNELS }, (_, channel) =>
  Array.from({ length: VERSIONS }, (_, version) => dispute(channel, version)),
);

export const allDisputes: readonly Dispute[] = disputes.flat();

export function disputeOf(channel: number, version: number): Dispute {
  const found = disputes[channel]?.[version];
  if (!found) throw new RangeError(`no dispute ${channel}/${version}`);
  return found;
}

/** By raw transaction, as bitcoind is sent it. */
export const byRaw: ReadonlyMap<string, Tx> = new Map(
  allDisputes.flatMap((of) => [of, ...of.penalties, of.sweep]).map((tx) => [tx.rawTx, tx]),
);
export const byId: ReadonlyMap<string, Tx> = new Map(Array.from(byRaw.values(), (tx) => [tx.id, tx]));

/** Some transaction that spends an output. */
export const bySpent: ReadonlyMap<string, Tx> = new Map(Array.from(byRaw.values(), (tx) => [tx.outpoint, tx]));

/** What a client sends for a dispute. */
export interface Offer {
  readonly scheme: SchemeName;
  readonly dispute: Dispute;
  readonly locator: Locator;
  readonly blob: Uint8Array;
  /** What is in it; undefined if it is of no use. */
  readonly penalty: Tx | undefined;
}

function sealed(scheme: SchemeName, of: Dispute, variant: number): Offer {
  const penalty = of.penalties[variant];
  const { seal, hint } = schemes[scheme];
  const content = penalty ? fromHex(penalty.rawTx) : concat(of.internal, Uint8Array.of(variant));
  const blob = variant === 4 ? content : seal(content, of.internal);
  return { scheme, dispute: of, locator: Locator.parse(toHex(hint(of.internal))), blob, penalty };
}

const offers = new Map<string, Offer>();
const byHash = new Map<string, Offer>();
const key = (scheme: SchemeName, id: Txid, variant: number) => `${scheme} ${id} ${variant}`;
for (const of of allDisputes)
  for (const scheme of ['teos-display', 'teos-internal'] as const)
    for (let variant = 0; variant < VARIANTS; variant++) {
      const offer = sealed(scheme, of, variant);
      offers.set(key(scheme, of.id, variant), offer);
      byHash.set(`${scheme} ${blobHash(offer.blob)}`, offer);
    }

export function offerOf(scheme: SchemeName, of: Dispute, variant: number): Offer {
  const found = offers.get(key(scheme, of.id, variant));
  if (!found) throw new RangeError(`no offer ${variant}`);
  return found;
}

/** What a stored blob is, by its scheme and hash. */
export const offerByHash = (scheme: SchemeName, sha256: string): Offer | undefined => byHash.get(`${scheme} ${sha256}`);
