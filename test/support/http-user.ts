import { makeAppointment } from '../../actors/client/tower-client.js';
import { fromHex, toHex } from '../../events/bytes.js';
import { Locator, type Txid, UserId } from '../../events/ids.js';
import {
  type Appointment,
  deleteAppointmentRequest,
  getAppointmentRequest,
  serializeAppointment,
} from '../../events/signing/appointment.js';
import { signMessage } from '../../events/signing/message.js';
import type { Dialect } from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { exchange } from '../fixtures/teos-vectors.js';
import { post, told } from './http.js';
import { secretKey } from './tower.js';

export type Told = [status: number, json: unknown];

/** A user of a tower over HTTP, whose client is of one generation. */
export class HttpUser {
  readonly userId: UserId;

  constructor(
    /** Where the tower is: asked for each request, since a tower that starts again may be elsewhere. */
    private readonly url: () => string | undefined,
    readonly dialect: Dialect,
    readonly secret: Uint8Array = secretKey(),
    /** The host name by which it knows the tower. */
    private readonly host?: string,
  ) {
    this.userId = UserId.parse(toHex(secp256k1.publicKey(secret)));
  }

  /** The same key in the hands of the other generation's client. */
  as(dialect: Dialect): HttpUser {
    return new HttpUser(this.url, dialect, this.secret);
  }

  /** The same user, who knows the tower by another name. */
  at(host: string): HttpUser {
    return new HttpUser(this.url, this.dialect, this.secret, host);
  }

  async post(path: string, json: unknown): Promise<Told> {
    return told(await post(this.url() ?? 'http://nowhere', this.dialect, path, json, this.host));
  }

  register(): Promise<Told> {
    return this.post('/register', { [this.dialect === 'python' ? 'public_key' : 'user_id']: this.userId });
  }

  sign(appointment: Appointment): string {
    return signMessage(serializeAppointment(appointment), this.secret);
  }

  add(appointment: Appointment): Promise<Told> {
    return this.post('/add_appointment', addRequest(appointment, this.sign(appointment)));
  }

  get(locator: string): Promise<Told> {
    const signature = signMessage(getAppointmentRequest(locator), this.secret);
    return this.post('/get_appointment', { locator, signature });
  }

  /** Asks for a deletion that names a receipt, or, where it is null, in the draft's own words. */
  delete(locator: string, receipt: string | null): Promise<Told> {
    const signature = this.signDeletion(locator, receipt);
    return this.post('/delete_appointment', { locator, ...(receipt !== null && { receipt }), signature });
  }

  signDeletion(locator: string, receipt: string | null): string {
    return signMessage(deleteAppointmentRequest(Locator.parse(locator.toLowerCase()), receipt), this.secret);
  }

  info(): Promise<Told> {
    const signature = signMessage(Buffer.from('get subscription info'), this.secret);
    return this.post('/get_subscription_info', { signature });
  }

  /** An appointment as this user's client makes it: of a real penalty, or of bytes. */
  appointment(disputeTxid: Txid, penalty: string | Uint8Array): Appointment {
    const bytes = typeof penalty === 'string' ? fromHex(penalty) : penalty;
    return makeAppointment(this.dialect, disputeTxid, bytes, DELAY[this.dialect]);
  }
}

/** What the plugins always say. */
export const DELAY: Readonly<Record<Dialect, number>> = { python: 20, rust: 42 };

export const addRequest = ({ locator, encryptedBlob, toSelfDelay }: Appointment, signature: string) => ({
  appointment: { locator, encrypted_blob: toHex(encryptedBlob), to_self_delay: toSelfDelay },
  signature,
});

/** The fields of an answer that a test needs, whatever else is in it. */
export const fieldsOf = ([, json]: Told): Record<string, unknown> => Object.fromEntries(Object.entries(Object(json)));

/** The user of the vectors. */
export const vectorUser = (url: () => string | undefined, dialect: Dialect): HttpUser =>
  new HttpUser(url, dialect, fromHex(exchange.userSecret));

/** `{"error", "error_code"}` with a status. */
export const error = (status: number, error_code: number | undefined, error: string): Told => [
  status,
  error_code === undefined ? { error } : { error, error_code },
];

/** The body that a python client gets for whatever is not to be found. */
export const notFound = (locator: unknown): Told => [404, { locator, status: 'not_found' }];
