import { existsSync } from 'node:fs';
import type { Config } from '../../actors/config.js';
import { exportKey } from '../../actors/key-export.js';
import { laterIdentities } from '../../actors/key-ring.js';
import { removeDrafts } from '../../actors/private-file.js';
import { existingTowerKey, keepTowerKey, keepTowerSecret, towerKeyFile, towerOf } from '../../actors/secrets.js';
import type { TowerId } from '../../events/ids.js';
import { newKeyPassphrase, passphraseFile } from '../kept-key.js';
import { ImportError } from './old-tower.js';

/** The old tower's key in the new node's folder: as `argus key import` keeps one. */

/** Throws `ImportError` if the folder has the key of another tower. */
export function assertKeyFits({ data }: Config, towerId: TowerId): void {
  const file = towerKeyFile(data);
  const held = existsSync(file) ? towerOf(existingTowerKey(file)) : towerId;
  if (held !== towerId)
    throw new ImportError(
      `${file} is the key of tower ${held}, and the old tower is ${towerId}: give another --data folder`,
    );
  const [later] = laterIdentities(data);
  if (later !== undefined)
    throw new ImportError(`${data} has the key of a later identity, ${later}: give another --data folder`);
}

/** The passphrase that a key is to be encrypted with. Rejects with `PassphraseError` and `InputError`. */
export const passphraseFor = (config: Config): Promise<string> => newKeyPassphrase(passphraseFile(config));

/** Keeps it with mode 0600; one that is there is left as it is. */
export async function keepKey({ data }: Config, secret: Uint8Array, passphrase: string | undefined): Promise<void> {
  const file = towerKeyFile(data);
  if (existsSync(file)) return;
  removeDrafts(file);
  if (passphrase === undefined) keepTowerSecret(file, secret);
  else keepTowerKey(file, await exportKey(secret, passphrase));
}
