import type { Logger } from 'pino';
import type { TowerId, UserId } from '../events/ids.js';
import type { ServerTrust } from '../events/log/connection.js';
import type { Config } from './config.js';
import type { Patience } from './gateway/http-door.js';
import type { TowerKey } from './secrets.js';

/** Who recovers keys and signs receipts for a node. */
export interface Signatures {
  /** As `recoverSigner`, in the order in which it is asked. */
  recover(message: Uint8Array, signatureText: string): Promise<UserId | undefined>;
  /** As `signMessage` with the key of one of the tower's identities, the log's first if it is undefined. */
  sign(message: Uint8Array, identity?: TowerId): Promise<string>;
  stop(): Promise<void>;
}

/** What a node is started with. */
export interface NodeOptions {
  readonly config: Config;
  readonly key: TowerKey;
  /** The seed that signs the node in to NATS. */
  readonly natsSeed: string;
  readonly natsUrl: string;
  /** How the servers are known over TLS. */
  readonly natsTrust?: ServerTrust | undefined;
  /** The servers where clients come in, if they are others than the log's. */
  readonly natsClients?: { readonly servers: string; readonly trust: ServerTrust | undefined } | undefined;
  readonly logger: Logger;
  /** How long HTTP clients are given; less than their own patience unless told. */
  readonly patience?: Patience | undefined;
  /** A pool of threads with the tower's key unless told. */
  readonly signatures?: Signatures | undefined;
  /** Called once, when its operator has the node end; it has to be stopped then. */
  readonly stop?: (() => void) | undefined;
  /** Called once, when the node cannot go on; it has to be stopped then. */
  readonly giveUp: (error: Error) => void;
}
