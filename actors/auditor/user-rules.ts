import type { AppointmentId, Height, TowerId, UserId } from '../../events/ids.js';
import { schemeOf } from '../../events/schemes/schemes.js';
import { slotsFor } from '../../events/signing/appointment.js';
import { registrationReceipt } from '../../events/signing/receipts.js';
import type {
  AppointmentAccepted,
  AppointmentEnded,
  SubscriptionRenewed,
  UserEvent,
  UserRegistered,
} from '../../events/user.js';
import type { BlobWatch } from './blob-watch.js';
import type { Booking, BookingTable } from './booking-table.js';
import { checkDeletion } from './deletion-rules.js';
import type { Comparison } from './earlier-events.js';
import { checkImportedUser, isImportedStart } from './import-rules.js';
import type { PolicyRecord } from './policy-record.js';
import type { ScanRules } from './scan-rules.js';
import { CROSSING_MS, checkHeight, isReached, type Place } from './shard-context.js';
import type { SignatureChecks } from './signature-checks.js';
import type { TrackerRecords } from './tracker-records.js';
import { markOf, receiptMarkOf, type UserRecord } from './user-record.js';

const MOST = 0xffffffff;
/** How many appointments one commit ends at the most. */
const ENDINGS_A_COMMIT = 1000;
/** How far below the start of a subscription a gap still holds it, in blocks. */
const DEEPEST_REORG = 100;

export interface UserRulesNeeds {
  readonly stream: string;
  readonly users: Map<UserId, UserRecord>;
  readonly bookings: BookingTable;
  readonly trackers: TrackerRecords;
  readonly scans: ScanRules;
  readonly signatures: Pick<SignatureChecks, 'message' | 'acceptance' | 'acceptanceBy'>;
  readonly towerId: Parameters<SignatureChecks['message']>[2];
  /** The tower's identities, in their order. */
  readonly identities: readonly TowerId[];
  readonly blobs: Pick<BlobWatch, 'expect' | 'left'>;
  /** Has an event compared with an earlier one, which has to be read again. */
  readonly compare: (comparison: Comparison) => void;
  /** Undefined where it cannot be known. */
  readonly policy: Pick<PolicyRecord, 'wrongWith'> | undefined;
}

/** Whether what a user's commits say is what the Gatekeeper would have decided: slots, expiry, and no end without its cause. */
export class UserRules {
  constructor(private readonly needs: UserRulesNeeds) {}

  apply(id: UserId, events: readonly UserEvent[], place: Place): void {
    if (!isOneDecision(events)) place.complain('commit', 'no one decision about a user comes to these events');
    const user = this.#user(id);
    for (const event of events) this.#apply(user, event, place);
    const last = events.at(-1);
    if (last?.type === 'SubscriptionOutdated') this.#leftBehind(user, place);
    if (last?.type === 'AppointmentEnded' && last.reason === 'expired') this.#checkExpired(user, place);
  }

  #user(id: UserId): UserRecord {
    const known = this.needs.users.get(id);
    if (known) return known;
    const none = { slots: 0, start: 0, expiry: 0, swept: 0 } as Pick<
      UserRecord,
      'slots' | 'start' | 'expiry' | 'swept'
    >;
    const number = this.needs.users.size;
    const user: UserRecord = { id, number, status: 'unknown', dialect: 'rust', ...none, deleted: new Map() };
    this.needs.users.set(id, user);
    return user;
  }

  #apply(user: UserRecord, event: UserEvent, place: Place): void {
    switch (event.type) {
      case 'UserRegistered':
      case 'SubscriptionRenewed':
        this.#identify(user, event, place);
        this.#subscribe(user, event.type === 'UserRegistered', event, place);
        break;
      case 'AppointmentAccepted':
        this.#accept(user, event, place);
        break;
      case 'AppointmentEnded':
        this.#end(user, event, place);
        break;
      case 'SubscriptionOutdated':
        this.#outdate(user, event.height, place);
        break;
      case 'BlobsSwept':
        if (user.status === 'unknown') place.complain('sweep', 'blobs are swept of a user that never registered');
        if (event.through <= user.swept) place.complain('sweep', 'blobs are swept that were swept before');
        user.swept = Math.max(user.swept, event.through);
    }
  }

  /** A user is served by an identity of the log, and by the same for ever. */
  #identify(user: UserRecord, event: UserRegistered | SubscriptionRenewed, { complain }: Place): void {
    if (event.type === 'SubscriptionRenewed') return;
    const { identity } = event;
    if (user.status !== 'unknown' && identity !== user.identity)
      complain('identity', 'the user was served by another identity of the tower before');
    if (identity !== undefined && !this.needs.identities.slice(1).includes(identity))
      complain('identity', `${identity} is no later identity of the tower`);
    user.identity = identity;
  }

  #subscribe(user: UserRecord, isNew: boolean, event: UserRegistered | SubscriptionRenewed, place: Place): void {
    const { dialect, slotsAdded, slots, start, expiry, receiptSignature } = event;
    const admittedBy = event.type === 'UserRegistered' ? event.admittedBy : undefined;
    const { complain } = place;
    const wrong = admittedBy && this.needs.policy?.wrongWith(admittedBy, user.id, place.time);
    if (wrong) complain('admission', wrong);
    if (isNew) {
      if (user.status === 'registered') complain('register', 'the user is registered already');
      if (slots !== slotsAdded) complain('slots', `a new user has ${slots} slots, of ${slotsAdded} that were given`);
      user.isImported = event.type === 'UserRegistered' && event.importedFrom !== undefined;
      if (user.isImported) checkImportedUser(event as UserRegistered, this.needs.scans.isBegun, place);
      else checkHeight(start, place);
      if (expiry <= start && start < MOST) complain('expiry', 'a subscription expires when it begins');
    } else {
      if (user.status !== 'registered') complain('register', 'the user is not registered');
      if (dialect !== user.dialect) complain('register', `the user is one of the ${user.dialect} generation`);
      if (slots !== user.slots + slotsAdded || slots > MOST)
        complain('slots', `${user.slots} slots and ${slotsAdded} more are not ${slots}`);
      if (start !== user.start) complain('register', `the subscription began at height ${user.start}, not ${start}`);
      if (expiry <= user.expiry && user.expiry < MOST) complain('expiry', 'it expires no later than it did before');
    }
    const { stream, signatures, towerId } = this.needs;
    const message = registrationReceipt(dialect, { userId: user.id, slots, start, expiry });
    signatures.message(message, receiptSignature, user.identity ?? towerId, {
      stream,
      position: place.position,
      of: 'the registration',
    });
    user.status = 'registered';
    Object.assign(user, { dialect, slots, start, expiry });
  }

  #accept(user: UserRecord, event: AppointmentAccepted, place: Place): void {
    const { appointmentId: id, slots, slotsLeft, startBlock, blob } = event;
    const { complain, position, time } = place;
    const { bookings, stream, signatures, blobs } = this.needs;
    const before = bookings.get(id);
    if (user.status !== 'registered') complain('accept', 'the user is not registered');
    this.#checkStart(user, event, before, place);
    if (event.scheme !== schemeOf(user.dialect).name)
      complain('accept', `the user has no appointments of ${event.scheme}`);
    if (slots !== slotsFor(blob.size))
      complain('slots', `${blob.size} bytes are ${slotsFor(blob.size)} slots, not ${slots}`);
    const left = Math.min(user.slots - slots + (before?.slots ?? 0), MOST);
    if (slotsLeft !== left)
      complain(
        'slots',
        `of ${user.slots} slots ${left} are left${left < 0 ? ': they are not enough' : ''}, not ${slotsLeft}`,
      );
    if (blob.position <= user.swept) complain('accept', 'its blob had been swept as one that nobody refers to');
    const { userSignature, toSelfDelay } = event;
    const mark = markOf(userSignature, toSelfDelay);
    if (before?.status === 'live' && before.mark === mark && before.sha256 === blob.sha256)
      this.needs.compare({
        position,
        earlier: before.position,
        id,
        isWrong: (was) => was.userSignature === userSignature && was.toSelfDelay === toSelfDelay,
        what: 'accept',
        why: 'the very same version had been accepted already',
      });
    if (this.needs.trackers.triggeredSince(id, time) > CROSSING_MS)
      complain('accept', 'its breach was being answered already');
    const booking: Booking = {
      owner: user,
      slots,
      position,
      time,
      blob: blob.position,
      sha256: blob.sha256,
      mark,
      startBlock,
      receiptMark: receiptMarkOf(event.receiptSignature),
      status: 'live',
      isThere: false,
    };
    if (before && before.owner !== user) complain('accept', 'the appointment is that of another user');
    if (before) blobs.left(before, time);
    bookings.set(id, booking);
    user.slots = slotsLeft;
    const { dialect, identity } = user;
    const { receiptSignature, locator } = event;
    const signed = {
      dialect,
      startBlock,
      userSignature,
      receiptSignature,
      locator,
      userId: user.id,
      appointmentId: id,
    };
    const whereabouts = { stream, position, of: 'the receipt' };
    if (identity === undefined) signatures.acceptance(signed, whereabouts);
    else signatures.acceptanceBy(identity, signed, whereabouts);
    blobs.expect(booking, event);
  }

  /** It begins at the height of then; or where its last version did, or after one that was deleted, if that is later. */
  #checkStart(user: UserRecord, event: AppointmentAccepted, before: Booking | undefined, place: Place): void {
    const { appointmentId: id, startBlock } = event;
    const deleted = user.deleted.get(id);
    user.deleted.delete(id);
    if (deleted !== undefined && startBlock <= deleted)
      place.complain('accept', `it begins at height ${startBlock}, and one that was deleted began at ${deleted}`);
    const isLeast = startBlock === before?.startBlock || startBlock - 1 === deleted;
    if (isLeast || (user.isImported && isImportedStart(startBlock, this.needs.scans.isBegun, place))) return;
    checkHeight(startBlock, place);
    if (startBlock >= user.expiry) place.complain('expiry', `the subscription expired at height ${user.expiry}`);
  }

  #end(user: UserRecord, event: AppointmentEnded, place: Place): void {
    const { appointmentId: id, reason, slotsRefunded } = event;
    const { complain, time } = place;
    const { bookings, trackers, blobs } = this.needs;
    const booking = bookings.get(id);
    if (booking?.owner !== user || booking.status !== 'live') {
      complain('end', 'the user has no such appointment');
      return;
    }
    const refund = reason === 'rejected' ? 0 : booking.slots;
    if (slotsRefunded !== refund)
      complain('slots', `${slotsRefunded} slots are given back, of ${refund} that were due`);
    const { stage, blob } = trackers.endOf(id);
    if (reason === 'resolved' && stage !== 'irrevocable') complain('end', 'no penalty of it is irrevocable');
    if (reason === 'rejected' && (stage === 'irrevocable' || stage === undefined || blob !== booking.blob))
      complain('end', 'neither its blob nor its penalty was found to be of no use');
    if (reason === 'expired' && trackers.heldSince(id, time) > CROSSING_MS)
      complain('end', 'its breach was being answered');
    if (reason === 'deleted') checkDeletion(event, user, booking, place, this.needs);
    trackers.ended(id, time);
    blobs.left(booking, time);
    if (reason === 'rejected' && user.status === 'registered') bookings.reject(id);
    else bookings.delete(id);
    if (reason === 'deleted') this.#forgetSighting(user, id, booking.startBlock);
    if (user.status === 'registered') user.slots = Math.min(user.slots + slotsRefunded, MOST);
  }

  /** What was never mined is forgotten with a deletion: see `ShardState`. */
  #forgetSighting(user: UserRecord, id: AppointmentId, startBlock: Height): void {
    user.deleted.set(id, startBlock);
    this.needs.trackers.forgetSighted(id);
  }

  #outdate(user: UserRecord, height: number, place: Place): void {
    const { complain } = place;
    if (user.status !== 'registered') complain('outdate', 'the user is not registered');
    if (height < user.expiry) complain('expiry', `the subscription expires at height ${user.expiry}, not at ${height}`);
    checkHeight(height, place);
    this.#checkGap(user, place);
    user.status = 'outdated';
    user.deleted.clear();
  }

  /** Of a user with many appointments some end in commits before the one that says that the subscription is over. */
  #checkExpired(user: UserRecord, place: Place): void {
    const { complain } = place;
    if (!isReached(user.expiry, place)) complain('expiry', `the subscription expires at height ${user.expiry}`);
    this.#checkGap(user, place);
  }

  #checkGap(user: UserRecord, place: Place): void {
    const gap = this.needs.scans.gapSince(user.start - DEEPEST_REORG, place);
    if (gap) place.complain('outdate', `block ${gap} is not evaluated yet: it may hold a breach`);
  }

  /** Of a user that is forgotten nothing is left but what is being answered, or was just now. */
  #leftBehind(user: UserRecord, { complain }: Place): void {
    const { bookings, trackers } = this.needs;
    for (const id of bookings.of(user)) {
      if (bookings.get(id)?.status === 'rejected') bookings.delete(id);
      else if (!trackers.has(id)) complain('outdate', `appointment ${id} is left, and has no breach`);
    }
  }
}

/** Whether a single decision may come to these events. */
function isOneDecision(events: readonly UserEvent[]): boolean {
  const last = events.at(-1);
  if (events.length === 1) return !(last?.type === 'AppointmentEnded' && last.reason === 'expired');
  const endings = last?.type === 'SubscriptionOutdated' ? events.slice(0, -1) : events;
  if (last?.type !== 'SubscriptionOutdated' && events.length !== ENDINGS_A_COMMIT) return false;
  return (
    endings.length <= ENDINGS_A_COMMIT &&
    endings.every((event) => event.type === 'AppointmentEnded' && event.reason === 'expired')
  );
}
