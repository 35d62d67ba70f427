import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type Network, Network as Networks, networks } from '../../actors/chain-monitor/networks.js';
import { COOKIE_FOLDER } from '../../actors/config.js';
import type { SettingPath } from '../../actors/config-sources.js';
import { readSmallFile } from '../../actors/small-file.js';

/** Where a bitcoind of this machine is, as bitcoin-cli would know: from its configuration file, else by habit. */

/** Where bitcoin.conf is, and the data folder that goes with it: of somebody's own bitcoind, and of the system's. */
const PLACES = [
  { conf: join(homedir(), '.bitcoin', 'bitcoin.conf'), data: join(homedir(), '.bitcoin') },
  { conf: '/etc/bitcoin/bitcoin.conf', data: '/var/lib/bitcoind' },
];

/** How bitcoin.conf calls the networks: `chain=`, and its sections. */
const CHAIN: Readonly<Record<Network, string>> = {
  mainnet: 'main',
  testnet: 'test',
  testnet4: 'testnet4',
  signet: 'signet',
  regtest: 'regtest',
};

interface Found {
  readonly data: string;
  readonly conf: Conf;
}

/** The network that this machine's bitcoind is on, if its configuration says one. */
export function usualNetwork(): Network | undefined {
  const { conf } = find();
  const chain = conf.get('chain');
  return Networks.options.find((name) => CHAIN[name] === chain || (name !== 'mainnet' && conf.get(name) === '1'));
}

/** The settings with which this machine's bitcoind is reached. */
export function usualBitcoind(network: Network): Readonly<Record<SettingPath, string>> {
  const { data, conf } = find();
  const own = (name: string) => conf.get(`${CHAIN[network]}.${name}`);
  const of = (name: string) => own(name) ?? conf.get(name);
  // bitcoind takes a port from outside the sections for the main network alone.
  const port = network === 'mainnet' ? of('rpcport') : own('rpcport');
  const [user, password] = [of('rpcuser'), of('rpcpassword')];
  const folder = join(of('datadir') ?? data, COOKIE_FOLDER[network]);
  const cookie = of('rpccookiefile') ?? '.cookie';
  return {
    'bitcoind.url': `http://${of('rpcconnect') ?? '127.0.0.1'}:${port ?? networks[network].rpcPort}`,
    ...(user !== undefined && password !== undefined
      ? { 'bitcoind.user': user, 'bitcoind.password': password }
      : { 'bitcoind.cookie_file': isAbsolute(cookie) ? cookie : join(folder, cookie) }),
  };
}

type Conf = ReadonlyMap<string, string>;

/** The first place where there is a bitcoind; the first of all if there is none. */
function find(): Found {
  for (const { conf, data } of PLACES) {
    try {
      return { data, conf: parse(readSmallFile(conf)) };
    } catch {
      if (existsSync(data)) return { data, conf: new Map() };
    }
  }
  return { data: join(homedir(), '.bitcoin'), conf: new Map() };
}

/** `name=value` lines, those of a section as `section.name`; of several with one name the first counts, as for bitcoind. */
function parse(text: string): Conf {
  const found = new Map<string, string>();
  let section = '';
  for (const line of text.split('\n')) {
    const words = line.replace(/#.*/, '').trim();
    if (words.startsWith('[') && words.endsWith(']')) section = `${words.slice(1, -1)}.`;
    const at = words.indexOf('=');
    if (at <= 0) continue;
    const name = `${section}${words.slice(0, at).trim()}`;
    if (!found.has(name)) found.set(name, words.slice(at + 1).trim());
  }
  return found;
}
