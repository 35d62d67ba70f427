import { z } from 'zod';
import { Successions } from '../events/identity.js';

/** What travels between a client and the tower's NATS door: subjects, request fields, answers. Shared by both ends. */

/** The subjects that clients may reach, by operation. */
export const publicSubjects = {
  register: 'argus.v1.register',
  add_appointment: 'argus.v1.add_appointment',
  delete_appointment: 'argus.v1.delete_appointment',
  get_appointment: 'argus.v1.get_appointment',
  get_proof: 'argus.v1.get_proof',
  get_subscription_info: 'argus.v1.get_subscription_info',
  info: 'argus.v1.info',
} as const;

/** All of these, as a server's permissions name them. */
export const PUBLIC_SUBJECTS = 'argus.v1.*';

/** Where a client that signs in with an nkey (`U...`) is answered; nobody else may listen there. */
export const clientInbox = (nkey: string): string => `_INBOX_${nkey}`;

/** The subjects that only the operator may reach. */
export const operatorSubjects = {
  info: 'argus.operator.v1.info',
  users: 'argus.operator.v1.users',
  user: 'argus.operator.v1.user',
  appointments: 'argus.operator.v1.appointments',
  trackers: 'argus.operator.v1.trackers',
} as const;

/** The subjects on which the operator decides who may register, and asks what was decided. */
export const policySubjects = {
  createInvite: 'argus.operator.v1.create_invite',
  revokeInvite: 'argus.operator.v1.revoke_invite',
  invites: 'argus.operator.v1.invites',
  allow: 'argus.operator.v1.allow',
  disallow: 'argus.operator.v1.disallow',
  allowed: 'argus.operator.v1.allowed',
  setLimits: 'argus.operator.v1.set_limits',
} as const;

/** The most users that one request puts on the list, or takes off it. */
export const MOST_ALLOWED_AT_ONCE = 1000;

/** The subjects on which each node of a tower answers its operator for itself. */
export const nodeSubjects = {
  state: 'argus.operator.v1.state',
} as const;

/** The subject on which the operator asks for the log as it is: see `LogDesk`. */
export const logSubjects = { log: 'argus.operator.v1.log' } as const;

/** The subjects on which the operator tells one node, by its name, what it is to do: `{"node"}`. All hear it, that one answers. */
export const dutySubjects = {
  stop: 'argus.operator.v1.stop',
  drain: 'argus.operator.v1.drain',
  undrain: 'argus.operator.v1.undrain',
} as const;

const u32 = z.number().int().min(0).max(0xffffffff);

/** Answer to `register` (teos-protocol A4; both generations' fields). */
export const RegisterAnswer = z.object({
  user_id: z.string(),
  public_key: z.string(),
  available_slots: u32,
  subscription_start: u32,
  subscription_expiry: u32,
  subscription_signature: z.string(),
});
export type RegisterAnswer = z.infer<typeof RegisterAnswer>;

/** Answer to `add_appointment` (teos-protocol A5). */
export const AddAppointmentAnswer = z.object({
  locator: z.string(),
  start_block: u32,
  signature: z.string(),
  available_slots: u32,
  subscription_expiry: u32,
});
export type AddAppointmentAnswer = z.infer<typeof AddAppointmentAnswer>;

/** Answer to `delete_appointment`: `signature` is the tower's, of the request's. */
export const DeleteAppointmentAnswer = z.object({
  locator: z.string(),
  signature: z.string(),
  available_slots: u32,
  subscription_expiry: u32,
});
export type DeleteAppointmentAnswer = z.infer<typeof DeleteAppointmentAnswer>;

const WatchedAppointment = z.object({
  locator: z.string(),
  encrypted_blob: z.string(),
  to_self_delay: u32,
});
const RespondedAppointment = z.object({
  locator: z.string(),
  dispute_txid: z.string(),
  penalty_txid: z.string(),
  penalty_rawtx: z.string(),
});

/** Answer to `get_appointment` (teos-protocol A6): both txids are in display order. */
export const GetAppointmentAnswer = z.discriminatedUnion('status', [
  z.object({ locator: z.string(), status: z.literal('being_watched'), appointment: WatchedAppointment }),
  z.object({ locator: z.string(), status: z.literal('dispute_responded'), appointment: RespondedAppointment }),
]);
export type GetAppointmentAnswer = z.infer<typeof GetAppointmentAnswer>;

/** Answer to `get_subscription_info` (teos-protocol A7): `locators` and `appointments` are the same list. */
export const SubscriptionInfoAnswer = z.object({
  available_slots: u32,
  subscription_expiry: u32,
  locators: z.array(z.string()),
  appointments: z.array(z.string()),
});
export type SubscriptionInfoAnswer = z.infer<typeof SubscriptionInfoAnswer>;

/** Answer to `info`: what a client needs to know before it registers. */
export const InfoAnswer = z.object({
  /** The identity that newcomers are served by. */
  tower_id: z.string(),
  network: z.string(),
  version: z.string(),
  /** The height of the last block that the tower knows; null before the first. */
  height: u32.nullable(),
  subscription_slots: u32,
  subscription_duration: u32,
  max_blob_bytes: u32,
  /** Who may register: anybody (`open`), who has an invite, or who is allowed. A tower of before does not say. */
  registration_policy: z.enum(['open', 'invite', 'allow']).optional(),
  /** The statements by which the tower began other identities than its first; left out where there is none. */
  successions: Successions.optional(),
});
export type InfoAnswer = z.infer<typeof InfoAnswer>;

const Folded = z.object({
  /** Of the last commit in it. */
  position: z.number().int().min(0),
  /** Of the JSON of the state, in hex. */
  sha256: z.string(),
});

/** Answer to `state`: what a node has made of the log. Equal positions of nodes of one version have equal digests. */
export const StateAnswer = z.object({
  node: z.string(),
  version: z.string(),
  chain: Folded,
  shards: z.array(Folded.extend({ shard: z.number().int().min(0) })),
});
export type StateAnswer = z.infer<typeof StateAnswer>;

/** What is answered instead when a request is not granted: `error_code` in the user's dialect, `reason` in neither. */
export const ErrorAnswer = z.object({
  error: z.string(),
  error_code: z.number().int().optional(),
  reason: z.string(),
});
export type ErrorAnswer = z.infer<typeof ErrorAnswer>;

/** Header of the NATS services convention that marks an answer as an error; its value is the HTTP status. */
export const ERROR_CODE_HEADER = 'Nats-Service-Error-Code';

/** Header of each answer over NATS, `X-Request-Id` over HTTP: what the request is called in the nodes' logs. */
export const REQUEST_ID_HEADER = 'Argus-Request-Id';
