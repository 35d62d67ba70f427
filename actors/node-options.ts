import type { Logger } from 'pino';
import type { Config } from './config.js';
import type { Patience } from './gateway/http-door.js';
import type { TowerKey } from './secrets.js';

/** What a node is started with. */
export interface NodeOptions {
  readonly config: Config;
  readonly key: TowerKey;
  /** The seed that signs the node in to NATS. */
  readonly natsSeed: string;
  readonly natsUrl: string;
  readonly logger: Logger;
  /** How long HTTP clients are given; less than their own patience unless told. */
  readonly patience?: Patience | undefined;
  /** Called once, when the node cannot go on; it has to be stopped then. */
  readonly giveUp: (error: Error) => void;
}
