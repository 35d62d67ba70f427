import { randomBytes } from 'node:crypto';
import type { NatsConnection } from 'nats';
import { TowerClient, type TowerClientOptions } from '../../actors/client/tower-client.js';
import { toHex } from '../../events/bytes.js';
import { Locator, type TowerId } from '../../events/ids.js';
import type { Appointment } from '../../events/signing/appointment.js';
import { forAll } from '../measure/wait.js';

/** A user of the tower that is registered, and the connection it comes by. */
export interface User extends TowerClientOptions {
  readonly nc: NatsConnection;
}

/** Registers so many new users, spread over the connections. */
export async function registerUsers(
  connections: readonly NatsConnection[],
  towerId: TowerId,
  count: number,
): Promise<User[]> {
  const users = Array.from({ length: count }, (_, i): User[] => {
    const nc = connections[i % connections.length];
    return nc ? [{ nc, towerId, secretKey: new Uint8Array(randomBytes(32)) }] : [];
  }).flat();
  await forAll(users, 64, async (user) => void (await new TowerClient(user.nc, user).register()));
  return users;
}

/** An appointment for a transaction that will never be: what it holds is noise, which the tower cannot tell. */
export const randomAppointment = (blobBytes: number): Appointment => ({
  locator: Locator.parse(toHex(randomBytes(16))),
  encryptedBlob: new Uint8Array(randomBytes(blobBytes)),
  toSelfDelay: 144,
});
