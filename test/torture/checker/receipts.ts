import { setImmediate } from 'node:timers/promises';
import type { PlayedAccount } from './accounts.js';
import type { AppointmentReceipt, Evidence, RegistrationReceipt } from './evidence.js';
import { identitiesIn } from './identities.js';
import type { RawCommit, RawLog } from './raw-log.js';
import { appointmentIdOf, locatorOf, sha256, shardOf, signedAppointment, signedRegistration } from './signatures.js';

/** Every receipt is signed by the identity of the tower that its user registered with, and what it says is in the log, with its blob or its ending. */
export async function checkReceipts(
  towerId: string,
  { appointments, registrations }: Evidence,
  log: RawLog,
  accounts: ReadonlyMap<string, PlayedAccount>,
  users: ReadonlyMap<string, readonly RawCommit[]>,
): Promise<string[]> {
  const shards = log.towers.length;
  const identities = identitiesIn(towerId, log.chain, users);
  const violations: string[] = [...identities.violations];
  for (const receipt of registrations)
    for (const problem of problemsOfRegistration(
      identities.of(receipt.userId),
      receipt,
      users.get(receipt.userId) ?? [],
    ))
      violations.push(`registration ${JSON.stringify(receipt)} ${problem}`);
  for (const receipt of appointments) {
    for (const problem of problemsOf(identities.of(receipt.userId), receipt, log, accounts.get(receipt.userId), shards))
      violations.push(`receipt ${JSON.stringify(receipt)} ${problem}`);
    await setImmediate(); // a signature takes milliseconds, and this process has connections to keep alive
  }
  return violations;
}

function problemsOfRegistration(towerId: string, receipt: RegistrationReceipt, user: readonly RawCommit[]): string[] {
  const stored = user.some(({ events }) =>
    events.some(({ receiptSignature, slots }) => receiptSignature === receipt.signature && slots === receipt.slots),
  );
  return [
    ...(signedRegistration(towerId, receipt) ? [] : ['is not signed by the tower']),
    ...(stored ? [] : ['is not in the log']),
  ];
}

function problemsOf(
  towerId: string,
  receipt: AppointmentReceipt,
  { blobs }: RawLog,
  account: PlayedAccount | undefined,
  shards: number,
): string[] {
  const { dialect, userId, locator, disputeTxid, startBlock, userSignature, signature } = receipt;
  if (!signedAppointment(towerId, receipt)) return ['is not signed by the tower'];
  if (locatorOf(dialect, disputeTxid) !== locator) return ['has not the locator of its dispute'];
  const versions = account?.appointments.get(appointmentIdOf(locator, userId)) ?? [];
  const version = versions.find(
    ({ event }) => event.userSignature === userSignature && event.startBlock === startBlock,
  );
  if (!version) return ['is not in the log'];
  const { event, fate } = version;
  const blob = event.blob as { position: number; sha256: string; size: number };
  const problems: string[] = [];
  if (event.receiptSignature !== signature) problems.push('is not the one in the log');
  if (event.locator !== locator || event.toSelfDelay !== receipt.toSelfDelay)
    problems.push('is of another appointment');
  if (event.scheme !== (dialect === 'python' ? 'teos-display' : 'teos-internal')) problems.push('is of another scheme');
  if (blob.sha256 !== receipt.sha256 || blob.size !== receipt.size) problems.push('is for another blob');
  if (fate !== 'in force') return problems;
  const stored = blobs[shardOf(userId, shards)]?.get(blob.position);
  if (!stored) problems.push('is in force, and its blob is not stored');
  else if (sha256(stored.bytes) !== receipt.sha256) problems.push('is in force, and its blob is damaged');
  return problems;
}
