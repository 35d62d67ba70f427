import { issuerOf } from '../actors/auth-callout/issuer.js';
import { publicNkey } from '../actors/secrets.js';

/** The public keys that a NATS server of the tower is told, to know who is who. */
export interface NatsKeys {
  /** Those of the tower's nodes, of its operator and of its auditor (`U...`). */
  readonly nodeNkey: string;
  readonly operatorNkey: string;
  readonly auditorNkey: string;
  /** Whose word it takes on what clients may do (`A...`). */
  readonly issuerNkey: string;
}

/** The public keys of seeds (`SU...`). */
export const natsKeys = (node: string, operator: string, auditor: string): NatsKeys => ({
  nodeNkey: publicNkey(node),
  operatorNkey: publicNkey(operator),
  auditorNkey: publicNkey(auditor),
  issuerNkey: issuerOf(node).publicKey,
});
