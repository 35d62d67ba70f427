import type { BlockRef } from '../events/chain.js';
import type { Commit } from '../events/commit.js';
import type { AdmittedBy } from '../events/policy.js';

type Event = Commit['events'][number];

/** An event in a sentence for people; ids are whole, so that they can be looked for. */
export function inWords(event: Event): string {
  switch (event.type) {
    case 'UserRegistered':
      return `${event.importedFrom ? `brought from another tower's ${event.importedFrom}` : 'registered'} (${event.dialect})${admitted(event.admittedBy)}: ${slots(event.slotsAdded)}, from block ${event.start} to ${event.expiry}`;
    case 'SubscriptionRenewed':
      return `subscription renewed (${event.dialect}): ${slots(event.slotsAdded)} more, ${event.slots} in all, until block ${event.expiry}`;
    case 'AppointmentAccepted':
      return `appointment ${event.appointmentId} accepted: locator ${event.locator} (${event.scheme}), ${slots(event.slots)}, ${event.slotsLeft} left, ${event.blob.size} bytes, watched from block ${event.startBlock}`;
    case 'AppointmentEnded':
      return `appointment ${event.appointmentId} ended, ${event.reason}: ${slots(event.slotsRefunded)} given back`;
    case 'SubscriptionOutdated':
      return `subscription outdated at block ${event.height}: the user is forgotten`;
    case 'BlobsSwept':
      return `blobs that nothing referred to erased, up to ${event.through}`;
    case 'BreachSighted':
      return `breach seen in the mempool at block ${event.height}: dispute ${event.disputeTxid}`;
    case 'BreachDetected':
      return `breach detected (${event.foundBy}) in ${block(event)}: dispute ${event.disputeTxid}`;
    case 'BreachReorgedOut':
      return `dispute ${event.disputeTxid} reorged out of ${block(event)}`;
    case 'BlobRefused':
      return `no penalty: blob ${event.blob} ${BLOB_REASONS[event.reason]}`;
    case 'PenaltyBroadcast':
      return `penalty ${event.penaltyTxid} broadcast at block ${event.height}`;
    case 'PenaltyRefused':
      return `penalty ${event.penaltyTxid} refused at block ${event.height}, ${event.verdict} (${event.detail}); ${event.final ? 'given up' : 'it will be tried again'}`;
    case 'PenaltyConfirmed':
      return `penalty ${event.penaltyTxid} confirmed in ${block(event)}`;
    case 'PenaltyReorgedOut':
      return `penalty ${event.penaltyTxid} reorged out of ${block(event)}`;
    case 'PenaltyIrrevocable':
      return `penalty ${event.penaltyTxid} irrevocable at block ${event.height}`;
    case 'PenaltyOutspent':
      return `penalty ${event.penaltyTxid} outspent: ${event.spentBy} in ${block(event)} spent ${event.output.txid}:${event.output.vout}`;
    case 'OutspendReorgedOut':
      return `transaction ${event.spentBy}, which outspent the penalty, reorged out of ${block(event)}`;
    case 'OutspendIrrevocable':
      return `transaction ${event.spentBy}, which outspent the penalty, irrevocable at block ${event.height}: given up`;
    case 'BlockConnected':
      return `block ${event.height} ${event.hash} connected, ${event.txCount === 1 ? '1 transaction' : `${event.txCount} transactions`}`;
    case 'BlockDisconnected':
      return `block ${event.height} ${event.hash} disconnected`;
    case 'IdentityRotated':
      return `tower ${event.from} is succeeded by ${event.to} for newcomers`;
    case 'TowerImported':
      return `all that was carried over of another tower's ${event.from} is on the log: ${event.users} users, ${event.appointments} appointments (${event.trackers} of them with a breach); ${event.left} left behind`;
    case 'BlockScanned':
      return `block ${event.height} ${event.hash} scanned`;
    case 'BlockUnread':
      return `block ${event.height} ${event.hash} could not be read by anybody`;
    case 'InviteCreated':
      return `invite made for ${event.uses === 1 ? '1 user' : `${event.uses} users`}${event.note === null ? '' : `: ${event.note}`}`;
    case 'InviteUsed':
      return `user ${event.userId} let in at block ${event.height}`;
    case 'InviteRevoked':
      return 'invite revoked';
    case 'UserAllowed':
      return `user ${event.userId} put on the list`;
    case 'LimitsChanged':
      return `limits set: ${Object.entries(event.limits)
        .map(([name, value]) => `${name} ${value ?? 'as each node has it'}`)
        .join(', ')}`;
    case 'UserDisallowed':
      return `user ${event.userId} taken off the list`;
    default:
      return otherwise(event);
  }
}

const BLOB_REASONS = {
  'does-not-decrypt': 'does not decrypt',
  'not-a-transaction': 'holds no transaction',
  'appointment-ended': 'is gone, since the appointment ended',
} as const;

function admitted(by: AdmittedBy | undefined): string {
  if (by === undefined) return '';
  return by === 'allow-list' ? ', as one on the list' : `, with invite ${by.inviteId}`;
}

const slots = (count: number): string => (count === 1 ? '1 slot' : `${count} slots`);
const block = ({ block: { height, hash } }: { readonly block: BlockRef }): string => `block ${height} ${hash}`;

function otherwise(event: { readonly type: string }): string {
  const { type, ...fields } = event;
  return `${type} ${JSON.stringify(fields)}`;
}
