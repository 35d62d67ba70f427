import type { z } from 'zod';
import type { Aggregate } from './aggregate.js';
import { BlockConnected, BlockDisconnected } from './chain.js';
import { IdentityRotated } from './identity.js';
import { TowerImported } from './import.js';
import * as policy from './policy.js';
import { BlockScanned, BlockUnread } from './scan.js';
import * as tracker from './tracker.js';
import * as user from './user.js';

/**
 * How events become JSON and JSON becomes events.
 *
 * An event in memory has no version: it is always of the newest shape. On the log it carries `v`. When a shape must
 * change, its old version stays readable for ever through an upcaster here, and nowhere else.
 */

/** An event as JSON.parse gives it, before anything is known of it but its name. */
export interface StoredEvent {
  readonly type: string;
  readonly v: number;
}

/** One event type: whose event it is, its newest shape, that shape's version, and the way from each version before to the next. */
export interface EventDefinition {
  readonly of: Aggregate['kind'];
  readonly schema: z.ZodType;
  readonly version: number;
  /** The version that an event is stored as, where an older one holds all of it: nodes that know no newer one read it. */
  readonly storedAs?: (event: { readonly type: string }) => number;
  /** `upcast[n]` turns a body of version n into one of version n + 1. Needed for every version below `version`. */
  readonly upcast?: Readonly<Record<number, (body: Record<string, unknown>) => Record<string, unknown>>>;
}

/** An event on the log that this code does not know: a newer node wrote it. Guessing would corrupt state, so nobody does. */
export class UnknownEventError extends Error {
  readonly code = 'unknown-event';
  /** `where` is its place on the log, for people, where that is known. */
  constructor(
    readonly event: StoredEvent,
    where = 'the log',
  ) {
    const what = `${event.type.slice(0, 100)} version ${event.v}`;
    super(`${where} holds ${what}, which this version of argus does not know; upgrade this node`);
  }
}

const first = (of: Aggregate['kind'], schema: z.ZodType): EventDefinition => ({ of, schema, version: 1 });

/** Only a deletion needs the newer version. */
const AppointmentEnded: EventDefinition = {
  of: 'user',
  schema: user.AppointmentEnded,
  version: 2,
  storedAs: (event) => ('deletion' in event && event.deletion !== undefined ? 2 : 1),
  upcast: { 1: (body) => withoutType(user.AppointmentEndedV1.parse({ type: 'AppointmentEnded', ...body })) },
};

/**
 * Only where not everybody is let in, and of a later identity of the tower, does it need the second version; only of who was
 * brought from another tower the third.
 */
const UserRegistered: EventDefinition = {
  of: 'user',
  schema: user.UserRegistered,
  version: 3,
  storedAs: (event) => registrationVersion(event as user.UserRegistered),
  upcast: {
    1: (body) => withoutType(user.UserRegisteredV1.parse({ type: 'UserRegistered', ...body })),
    2: (body) => withoutType(user.UserRegisteredV2.parse({ type: 'UserRegistered', ...body })),
  },
};

function registrationVersion({ admittedBy, identity, importedFrom }: user.UserRegistered): number {
  if (importedFrom !== undefined) return 3;
  return admittedBy !== undefined || identity !== undefined ? 2 : 1;
}

const withoutType = ({ type: _, ...body }: { type: string }): Record<string, unknown> => body;

/** Every event that can be on the log. */
export const eventDefinitions: Readonly<Record<string, EventDefinition>> = {
  BlockConnected: first('chain', BlockConnected),
  BlockDisconnected: first('chain', BlockDisconnected),
  IdentityRotated: first('chain', IdentityRotated),
  TowerImported: first('chain', TowerImported),
  UserRegistered,
  SubscriptionRenewed: first('user', user.SubscriptionRenewed),
  AppointmentAccepted: first('user', user.AppointmentAccepted),
  AppointmentEnded,
  SubscriptionOutdated: first('user', user.SubscriptionOutdated),
  BlobsSwept: first('user', user.BlobsSwept),
  BreachSighted: first('tracker', tracker.BreachSighted),
  BreachDetected: first('tracker', tracker.BreachDetected),
  BreachReorgedOut: first('tracker', tracker.BreachReorgedOut),
  BlobRefused: first('tracker', tracker.BlobRefused),
  PenaltyBroadcast: first('tracker', tracker.PenaltyBroadcast),
  PenaltyRefused: first('tracker', tracker.PenaltyRefused),
  PenaltyConfirmed: first('tracker', tracker.PenaltyConfirmed),
  PenaltyReorgedOut: first('tracker', tracker.PenaltyReorgedOut),
  PenaltyIrrevocable: first('tracker', tracker.PenaltyIrrevocable),
  PenaltyOutspent: first('tracker', tracker.PenaltyOutspent),
  OutspendReorgedOut: first('tracker', tracker.OutspendReorgedOut),
  OutspendIrrevocable: first('tracker', tracker.OutspendIrrevocable),
  BlockScanned: first('scan', BlockScanned),
  BlockUnread: first('scan', BlockUnread),
  InviteCreated: first('invite', policy.InviteCreated),
  InviteUsed: first('invite', policy.InviteUsed),
  InviteRevoked: first('invite', policy.InviteRevoked),
  UserAllowed: first('allow-list', policy.UserAllowed),
  UserDisallowed: first('allow-list', policy.UserDisallowed),
  LimitsChanged: first('limits', policy.LimitsChanged),
};

/** The stored form of an event. Throws a `ZodError` if the event is not of its own shape: that is a bug, caught before it is stored. */
export function storeEvent(event: { type: string }, definitions = eventDefinitions): StoredEvent {
  const definition = definitionOf(event.type, definitions);
  if (!definition) throw new TypeError(`no event definition for ${event.type}`);
  definition.schema.parse(event);
  const { type, ...body } = event;
  return { type, v: definition.storedAs?.(event) ?? definition.version, ...body };
}

/**
 * The event of a stored form, brought to the newest version.
 *
 * Throws `UnknownEventError` for a type or version that this code does not know, a `ZodError` for a damaged one.
 */
export function readEvent(stored: StoredEvent, definitions = eventDefinitions): unknown {
  const definition = definitionOf(stored.type, definitions);
  if (!definition || stored.v > definition.version || stored.v < 1) throw new UnknownEventError(stored);
  const { v, type, ...rest } = stored;
  let body: Record<string, unknown> = rest;
  for (let version = v; version < definition.version; version++) {
    const upcast = definition.upcast?.[version];
    if (!upcast) throw new UnknownEventError(stored);
    body = upcast(body);
  }
  return definition.schema.parse({ type, ...body });
}

/** Only what is in the table itself: a stored type may be any text, `constructor` too. */
const definitionOf = (type: string, definitions: typeof eventDefinitions): EventDefinition | undefined =>
  Object.hasOwn(definitions, type) ? definitions[type] : undefined;
