import { randomBytes } from 'node:crypto';
import { type ClientOperation, NotAnsweredError } from '../../actors/client/courier.js';
import { TowerClient, type TowerClientOptions } from '../../actors/client/tower-client.js';
import { toHex } from '../../events/bytes.js';
import type { TowerId } from '../../events/ids.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { randomAppointment } from '../stage/users.js';

/** A request of a flood: an operation, and the bytes that are sent for it, in order or not. */
export interface FloodRequest {
  readonly operation: ClientOperation;
  readonly body: Buffer;
}

/**
 * What a flood consists of, so many requests: of ten, five are new appointments of users who are registered, one is a renewal, one a
 * registration of somebody new, two are appointments signed by nobody whom the tower knows, and one is no JSON at all.
 */
export async function floodRequests(
  users: readonly TowerClientOptions[],
  towerId: TowerId,
  count: number,
  blobBytes = 600,
): Promise<FloodRequest[]> {
  const requests: FloodRequest[] = [];
  for (let i = 0; requests.length < count; i++) {
    const user = users[i % users.length];
    if (!user) throw new TypeError('there are no users');
    const stranger = { towerId, secretKey: new Uint8Array(randomBytes(32)) };
    requests.push(await requestOf(i % 10, user, stranger, blobBytes));
  }
  return requests;
}

function requestOf(n: number, user: TowerClientOptions, stranger: TowerClientOptions, blobBytes: number) {
  if (n < 5) return asked(user, (client) => client.addAppointment(randomAppointment(blobBytes)));
  if (n === 5) return asked(user, (client) => client.register());
  if (n === 6) return asked(stranger, (client) => client.register());
  if (n < 9) return asked(stranger, (client) => client.addAppointment(randomAppointment(blobBytes)));
  const noise = Buffer.from(
    `{"user_id": "${toHex(secp256k1.publicKey(stranger.secretKey))}, ${toHex(randomBytes(600))}`,
  );
  return { operation: 'add_appointment', body: noise } as const;
}

/** What the client library would send. */
async function asked(user: TowerClientOptions, act: (client: TowerClient) => Promise<unknown>): Promise<FloodRequest> {
  let request: FloodRequest | undefined;
  const keeper = {
    ask: async (operation: ClientOperation, body: object) => {
      request ??= { operation, body: Buffer.from(JSON.stringify(body)) };
      throw new NotAnsweredError('it is kept', false, {});
    },
  };
  await act(new TowerClient(keeper, { ...user, timeoutMs: 0 })).catch(() => undefined);
  if (!request) throw new TypeError('the client library has not asked');
  return request;
}
