import { aggregateSubject, userAggregate } from '../../events/aggregate.js';
import { sha256, toHex } from '../../events/bytes.js';
import { type Commit, encodeCommit, newCommit } from '../../events/commit.js';
import type { Height, Shard, UserId } from '../../events/ids.js';
import { appointmentId, serializeAppointment, slotsFor } from '../../events/signing/appointment.js';
import { signMessage } from '../../events/signing/message.js';
import { appointmentReceipt } from '../../events/signing/receipts.js';
import type { UserEvent } from '../../events/user.js';
import { randomAppointment } from './users.js';

export const SHARD = 0 as Shard;
/** The slots that each user begins with. */
export const SLOTS = 0xffffffff;

export interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
}

/** Whose appointments are made, and by which tower; all begin at a height. */
export interface Signers {
  readonly users: readonly { readonly id: UserId; readonly secret: Uint8Array }[];
  readonly tower: Uint8Array;
  readonly height: Height;
  readonly blobBytes: number;
}

/** Some of the log's appointments: the first of them, counted from 0, how many, and where its blob will be stored. */
export interface Part {
  readonly first: number;
  readonly count: number;
  readonly blob: number;
}

export interface SignedPart {
  readonly blobs: readonly Message[];
  readonly commits: readonly Message[];
}

/** What a tower would have put on the log for these appointments; users take turns. */
export function signedPart(signers: Signers, { first, count, blob }: Part): SignedPart {
  const both = Array.from({ length: count }, (_, i) => signed(signers, first + i, blob + i));
  return { blobs: both.map((pair) => pair.blob), commits: both.map((pair) => pair.commit) };
}

function signed({ users, tower, height, blobBytes }: Signers, n: number, position: number) {
  const user = users[n % users.length];
  if (!user) throw new TypeError('there is no user');
  const appointment = randomAppointment(blobBytes);
  const { locator, encryptedBlob, toSelfDelay } = appointment;
  const userSignature = signMessage(serializeAppointment(appointment), user.secret);
  const receipt = appointmentReceipt('rust', { userSignature, startBlock: height });
  const slots = slotsFor(encryptedBlob.length);
  const commit = commitOf(user.id, {
    type: 'AppointmentAccepted',
    appointmentId: appointmentId(locator, user.id),
    locator,
    scheme: 'teos-internal',
    slots,
    slotsLeft: SLOTS - slots * (Math.floor(n / users.length) + 1),
    startBlock: height,
    toSelfDelay,
    blob: { position, sha256: toHex(sha256(encryptedBlob)), size: encryptedBlob.length },
    userSignature,
    receiptSignature: signMessage(receipt, tower),
  });
  return { blob: { subject: `argus.${SHARD}.blob.${user.id}`, data: encryptedBlob }, commit };
}

export function commitOf(userId: UserId, event: UserEvent): Message {
  const commit = newCommit(userAggregate(userId), [event], 'bench', Date.now()) as Omit<Commit, 'position'>;
  return { subject: aggregateSubject(commit.aggregate, SHARD), data: encodeCommit(commit) };
}
