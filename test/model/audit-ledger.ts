import type { AppointmentAccepted, AppointmentEnded, UserEvent } from '../../events/user.js';
import type { World } from './world.js';

/** Guarantee 1 by code of its own: every receipt is on the log, its slots charged once, its blob kept while it lives. */

interface Account {
  /** Undefined while the user is not registered. */
  slots: number | undefined;
  /** Blobs up to here were swept, and may not be referred to any more. */
  swept: number;
  readonly held: Map<string, { readonly accepted: AppointmentAccepted; rejected: boolean }>;
  /** The receipts of what was deleted while the subscription lasted. */
  readonly deleted: Set<string>;
  /** The appointments of all whose breach was in a block. */
  readonly breached: ReadonlySet<string>;
}

const SLOT_BYTES = 2048;

export function auditLedger(world: World): string[] {
  const wrong: string[] = [];
  const accounts = new Map<string, Account>();
  const breached = new Set<string>();
  for (const { commit } of world.stored) {
    const isBreach = commit.events.some(({ type }) => type === 'BreachDetected');
    if (commit.aggregate.kind === 'tracker' && isBreach) breached.add(commit.aggregate.id);
    if (commit.aggregate.kind !== 'user') continue;
    const account = accounts.get(commit.aggregate.id) ?? newAccount(breached);
    accounts.set(commit.aggregate.id, account);
    for (const event of commit.events as readonly UserEvent[])
      for (const fault of enter(account, event)) wrong.push(`user commit ${commit.position}: ${fault}`);
  }
  for (const [userId, account] of accounts) wrong.push(...auditAccount(world, userId, account));
  return [...wrong, ...auditBlobs(world, accounts), ...auditReceipts(world)];
}

const newAccount = (breached: ReadonlySet<string>): Account => ({
  slots: undefined,
  swept: 0,
  held: new Map(),
  deleted: new Set(),
  breached,
});

/** No blob outlives its appointment, whatever kept it from being erased. */
function auditBlobs({ stores }: World, accounts: ReadonlyMap<string, Account>): string[] {
  const wanted = new Set(
    Array.from(accounts.values()).flatMap(({ held }) =>
      Array.from(held.values()).flatMap(({ accepted, rejected }) => (rejected ? [] : [accepted.blob.position])),
    ),
  );
  return Array.from(stores.blobs.keys())
    .filter((position) => !wanted.has(position))
    .map((position) => `nobody wants blob ${position}, but it is kept`);
}

/** Enters an event in the books; gives what is wrong with it. */
function enter(account: Account, event: UserEvent): string[] {
  switch (event.type) {
    case 'UserRegistered':
    case 'SubscriptionRenewed': {
      const known = account.slots !== undefined;
      const expected = (account.slots ?? 0) + event.slotsAdded;
      account.slots = event.slots;
      if (known !== (event.type === 'SubscriptionRenewed')) return [`${event.type}, but known is ${known}`];
      return event.slots === expected ? [] : [`${event.slots} slots after a registration, not ${expected}`];
    }
    case 'AppointmentAccepted':
      return accept(account, event);
    case 'AppointmentEnded':
      return end(account, event);
    case 'SubscriptionOutdated': {
      if (account.slots === undefined) return ['outdated twice'];
      account.slots = undefined;
      account.deleted.clear();
      for (const [id, { rejected }] of account.held) if (rejected) account.held.delete(id);
      return Array.from(account.held.keys()).flatMap((id) =>
        account.breached.has(id) ? [] : [`${id} outlives its subscription without a breach`],
      );
    }
    case 'BlobsSwept':
      account.swept = Math.max(account.swept, event.through);
      return [];
  }
}

function accept(account: Account, event: AppointmentAccepted): string[] {
  if (account.slots === undefined) return ['accepted for nobody'];
  const before = account.held.get(event.appointmentId);
  const price = Math.ceil(event.blob.size / SLOT_BYTES);
  const left = account.slots - price + (before?.accepted.slots ?? 0);
  account.slots = event.slotsLeft;
  account.held.set(event.appointmentId, { accepted: event, rejected: false });
  const isSame =
    before?.rejected === false &&
    before.accepted.userSignature === event.userSignature &&
    before.accepted.blob.sha256 === event.blob.sha256 &&
    before.accepted.scheme === event.scheme;
  return [
    ...(event.blob.position <= account.swept ? [`${event.appointmentId} refers to a blob that was swept`] : []),
    ...(isSame ? [`${event.appointmentId} accepted twice`] : []),
    ...(account.deleted.has(event.receiptSignature) ? [`${event.appointmentId} has a receipt that was deleted`] : []),
    ...(price === event.slots ? [] : [`${event.slots} slots charged, not ${price}`]),
    ...(left === event.slotsLeft && left >= 0 ? [] : [`${event.slotsLeft} slots left, not ${left}`]),
  ];
}

function end(account: Account, { appointmentId, reason, slotsRefunded, deletion }: AppointmentEnded): string[] {
  const held = account.held.get(appointmentId);
  if (!held || held.rejected) return [`${appointmentId} ended as ${reason}, but it does not live`];
  if (reason === 'rejected' && account.slots !== undefined) held.rejected = true;
  else account.held.delete(appointmentId);
  if (account.slots !== undefined) account.slots += slotsRefunded;
  const owed = reason === 'rejected' ? 0 : held.accepted.slots;
  if (deletion) account.deleted.add(held.accepted.receiptSignature);
  const isMeant = !deletion?.receipt || deletion.receipt === held.accepted.receiptSignature;
  return [
    ...(slotsRefunded === owed ? [] : [`${slotsRefunded} slots given back for ${reason}, not ${owed}`]),
    ...(isMeant ? [] : [`${appointmentId} was deleted, but its user meant another version`]),
  ];
}

/** What the tower knows of a user against the books, and that no blob is gone before its appointment. */
function auditAccount({ nodes, stores }: World, userId: string, { slots, held }: Account): string[] {
  const wrong: string[] = [];
  for (const [id, { accepted, rejected }] of held)
    if (!rejected && !stores.hasBlob(accepted.blob.position, accepted.blob.sha256))
      wrong.push(`the blob of ${id} is gone, but it lives`);
  for (const node of nodes)
    for (const [id, { state }] of node?.shard?.fold.state.users() ?? [])
      if (id === userId && (state.status === 'registered' ? state.slots : undefined) !== slots)
        wrong.push(`${userId} has ${slots} slots, but the tower says ${JSON.stringify(state)}`);
  return wrong;
}

function auditReceipts({ receipts, stored }: World): string[] {
  const onLog = new Set(
    stored.flatMap(({ commit }) =>
      commit.events.flatMap((event) => {
        if (event.type === 'AppointmentEnded' && event.deletion) return [event.deletion.receiptSignature];
        return 'receiptSignature' in event ? [event.receiptSignature] : [];
      }),
    ),
  );
  return receipts
    .filter(({ granted }) => !onLog.has(granted.receiptSignature))
    .map(({ granted }) => `a receipt that is not on the log: ${JSON.stringify(granted)}`);
}
