import { readFileSync } from 'node:fs';
import type { HttpConfig } from './config.js';
import { ConfigError } from './config-sources.js';

/** A certificate chain and its key, in PEM. */
export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Throws `ConfigError` if the certificate or its key cannot be read. */
export function readTls({ tls }: HttpConfig): Tls | undefined {
  if (!tls) return undefined;
  try {
    return { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
  } catch (cause) {
    throw new ConfigError(`http: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
