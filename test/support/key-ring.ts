import assert from 'node:assert/strict';
import { keysIn } from '../../actors/key-ring.js';
import { type TowerKey, towerKeyOf } from '../../actors/secrets.js';

/** The keys that are in a folder now; the first is made if there is none. */
export function keyRing(data: string): TowerKey {
  const [first, ...later] = keysIn(data).map(({ kept }) => ('secret' in kept ? kept.secret : assert.fail('sealed')));
  return towerKeyOf(first ?? assert.fail('none'), later);
}

/** Keys that a node which is started anew finds others of: those of the folder that was read last. */
export interface ReadKeys extends TowerKey {
  read(data: string): void;
}

export function keysReadFrom(data: string): ReadKeys {
  let ring = keyRing(data);
  return {
    towerId: ring.towerId,
    get identities() {
      return ring.identities;
    },
    sign: (...given) => ring.sign(...given),
    copySecret: (...given) => ring.copySecret(...given),
    wipe() {},
    read(data) {
      ring = keyRing(data);
    },
  };
}
