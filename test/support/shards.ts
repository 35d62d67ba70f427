import { shardOf } from '../../actors/shard.js';
import { toHex } from '../../events/bytes.js';
import { UserId } from '../../events/ids.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { secretKey } from './tower.js';

/** A secret key whose user is of a shard, of so many. */
export function secretOf(shard: number, shards: number): Uint8Array {
  for (;;) {
    const secret = secretKey();
    if (shardOf(UserId.parse(toHex(secp256k1.publicKey(secret))), shards) === shard) return secret;
  }
}
