import type { PlayedAccount } from './accounts.js';
import type { AppointmentReceipt, Evidence } from './evidence.js';
import type { RawCommit, RawLog } from './raw-log.js';
import { appointmentIdOf, locatorOf, sha256, shardOf, signedAppointment, signedRegistration } from './signatures.js';

/** Every receipt is signed by the tower, and what it says is in the log, with its blob or its ending. */
export function checkReceipts(
  towerId: string,
  { appointments, registrations }: Evidence,
  log: RawLog,
  accounts: ReadonlyMap<string, PlayedAccount>,
  users: ReadonlyMap<string, readonly RawCommit[]>,
): string[] {
  const shards = log.towers.length;
  return [
    ...registrations.flatMap((receipt) => {
      const stored = users
        .get(receipt.userId)
        ?.some(({ events }) =>
          events.some(
            ({ receiptSignature, slots }) => receiptSignature === receipt.signature && slots === receipt.slots,
          ),
        );
      const problems = [
        ...(signedRegistration(towerId, receipt) ? [] : ['is not signed by the tower']),
        ...(stored ? [] : ['is not in the log']),
      ];
      return problems.map((problem) => `registration ${JSON.stringify(receipt)} ${problem}`);
    }),
    ...appointments.flatMap((receipt) =>
      problemsOf(towerId, receipt, log, accounts.get(receipt.userId), shards).map(
        (problem) => `receipt ${JSON.stringify(receipt)} ${problem}`,
      ),
    ),
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
