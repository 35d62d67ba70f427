import type { Shard as ShardId } from '../events/ids.js';
import type { Config } from './config.js';
import { shardsToServe } from './served-shards.js';
import { readTls, type Tls } from './tls.js';

/** What settings come to, beside the log. */
export interface Settled {
  /** The shards that this node serves. */
  readonly serves: readonly ShardId[];
  /** For HTTPS, if that is wanted. */
  readonly tls: Tls | undefined;
}

/** Throws `ConfigError` for shards that are not there, and for files that cannot be read. */
export const settled = ({ log, http }: Config, towerShards: number): Settled => ({
  serves: shardsToServe(log.serve, towerShards),
  tls: readTls(http),
});
