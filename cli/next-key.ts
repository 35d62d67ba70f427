import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../actors/config.js';
import { exportKey } from '../actors/key-export.js';
import { laterKeyFile } from '../actors/key-ring.js';
import { removeDrafts, replacePrivateFile } from '../actors/private-file.js';
import {
  existingTowerKey,
  keepTowerKey,
  keepTowerSecret,
  newTowerSecret,
  type TowerKey,
  towerKeyFile,
  towerKeyOf,
} from '../actors/secrets.js';
import { syncFolder } from '../actors/sync-folder.js';
import { TowerId } from '../events/ids.js';
import type { Opener } from './kept-key.js';

/**
 * The key of the identity that is being begun. Which it is stands in a file beside it from before it is made until the operator
 * has been told that it is in force: whatever happens in between, the next attempt goes on with that one.
 *
 *   DATA/identities/rotation    the identity's id
 */

const markOf = (data: string): string => join(data, 'identities', 'rotation');

/** The identity that an attempt which did not come to its end has named. */
export function begunIdentity(data: string): TowerId | undefined {
  const mark = markOf(data);
  return existsSync(mark) ? TowerId.safeParse(readFileSync(mark, 'utf8').trim()).data : undefined;
}

/** From now on the next attempt begins another. */
export function endAttempt(data: string): void {
  removeDrafts(markOf(data));
  rmSync(markOf(data), { force: true });
}

/** The key of the attempt before this one, if it is kept, or a new one, kept as the first is: under the same passphrase if there is one. */
export async function nextKey({ data }: Config, key: TowerKey, opener: Opener): Promise<TowerKey> {
  const begun = begunIdentity(data);
  if (begun !== undefined) {
    removeDrafts(laterKeyFile(data, begun));
    if (key.identities.includes(begun)) return copyOf(key, begun);
  }
  const secret = newTowerSecret();
  const next = towerKeyOf(secret);
  try {
    const file = laterKeyFile(data, next.towerId);
    mkdirSync(join(data, 'identities'), { recursive: true, mode: 0o700 });
    await syncFolder(data);
    removeDrafts(markOf(data));
    replacePrivateFile(markOf(data), `${next.towerId}\n`);
    const first = existingTowerKey(towerKeyFile(data));
    if ('sealed' in first) keepTowerKey(file, await exportKey(secret, await opener.passphrase()));
    else {
      first.secret.fill(0);
      keepTowerSecret(file, secret);
    }
    return next;
  } catch (error) {
    next.wipe();
    throw error;
  }
}

function copyOf(key: TowerKey, identity: TowerId): TowerKey {
  const secret = new Uint8Array(new ArrayBuffer(32));
  key.copySecret(secret, identity);
  return towerKeyOf(secret);
}
