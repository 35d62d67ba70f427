import { z } from 'zod';
import { ConfigError } from './config-sources.js';

/** The settings of the onion service. */

/** Where tor's control port is: an address, a socket's path, or wherever tor has it by habit. */
export type TorControl = { readonly host: string; readonly port: number } | { readonly path: string } | 'auto';

export interface TorConfig {
  readonly control: TorControl;
  /** The file whose first line is the password of the control port; undefined for tor's cookie. */
  readonly passwordFile: string | undefined;
}

const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;

/** `off`, `auto`, `127.0.0.1:9051`, or `/run/tor/control`. */
export const torControl = () =>
  z
    .string()
    .refine((value) => value === 'off' || controlOf(value) !== undefined, {
      message: 'must be like 127.0.0.1:9051 or /run/tor/control, auto, or off',
    })
    .transform((value) => (value === 'off' ? undefined : controlOf(value)))
    .prefault('off');

function controlOf(value: string): TorControl | undefined {
  if (value === 'auto') return value;
  if (value.startsWith('/')) return { path: value };
  const [, ip6, name, digits] = ADDRESS.exec(value) ?? [];
  const [host, port] = [ip6 ?? name, Number(digits)];
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** Throws `ConfigError` where an onion service would lead nowhere. */
export function torOf(
  { control, password_file: passwordFile }: { control?: TorControl | undefined; password_file?: string | undefined },
  http: { listen?: object | undefined; python_listen?: object | undefined; rust_listen?: object | undefined },
): TorConfig | undefined {
  if (control === undefined) return undefined;
  if (!(http.listen ?? http.python_listen ?? http.rust_listen))
    throw new ConfigError('tor: an onion service needs an HTTP address to lead to: http.listen');
  return { control, passwordFile };
}
