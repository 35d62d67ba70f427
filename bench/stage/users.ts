import { randomBytes } from 'node:crypto';
import { TowerClient, type TowerClientOptions } from '../../actors/client/tower-client.js';
import { toHex } from '../../events/bytes.js';
import { Locator, type TowerId } from '../../events/ids.js';
import type { Appointment } from '../../events/signing/appointment.js';
import { courierOf, type Way } from '../load/way.js';
import { forAll } from '../measure/wait.js';

/** A user of the tower that is registered, and the way it comes. */
export interface User extends TowerClientOptions {
  readonly way: Way;
}

/** Registers so many new users, spread over the ways. */
export async function registerUsers(ways: readonly Way[], towerId: TowerId, count: number): Promise<User[]> {
  const users = Array.from({ length: count }, (_, i): User[] => {
    const way = ways[i % ways.length];
    return way ? [{ way, towerId, secretKey: new Uint8Array(randomBytes(32)) }] : [];
  }).flat();
  await forAll(users, 64, async (user) => void (await new TowerClient(courierOf(user.way), user).register()));
  return users;
}

/** An appointment for a transaction that will never be: what it holds is noise, which the tower cannot tell. */
export const randomAppointment = (blobBytes: number): Appointment => ({
  locator: Locator.parse(toHex(randomBytes(16))),
  encryptedBlob: new Uint8Array(randomBytes(blobBytes)),
  toSelfDelay: 144,
});
