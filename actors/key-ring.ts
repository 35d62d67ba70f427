import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TowerId } from '../events/ids.js';
import { existingTowerKey, type KeptKey, keptTowerKey, towerKeyFile } from './secrets.js';

/**
 * The keys of a tower in a node's folder: `tower.key`, that of the identity which the log is called by, and in `identities` those
 * of later ones, `<id>.key`. None ever takes the place of another.
 */

/** A key, and its file. */
export interface RingKey {
  readonly file: string;
  readonly kept: KeptKey;
}

/** Where a node keeps the key of a later identity. */
export const laterKeyFile = (data: string, identity: TowerId): string => join(data, 'identities', `${identity}.key`);

/** All keys, the first identity's first, which is made if there is none and it is not one that must be there. Throws as reading each does. */
export function keysIn(data: string, { mustBe = false } = {}): readonly [RingKey, ...RingKey[]] {
  const file = towerKeyFile(data);
  const first = { file, kept: mustBe ? existingTowerKey(file) : keptTowerKey(file) };
  return [first, ...laterIdentities(data).map((identity) => laterKey(data, identity))];
}

function laterKey(data: string, identity: TowerId): RingKey {
  const file = laterKeyFile(data, identity);
  return { file, kept: existingTowerKey(file) };
}

/** The later identities that there are keys of, in no order that means anything. */
export function laterIdentities(data: string): readonly TowerId[] {
  const folder = join(data, 'identities');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((name) => (name.endsWith('.key') ? (TowerId.safeParse(name.slice(0, -'.key'.length)).data ?? []) : []));
}
