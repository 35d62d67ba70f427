import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Dialect } from '../events/signing/receipts.js';
import { Network, networks } from './chain-monitor/networks.js';
import {
  defaultNodeName,
  defaultSignatureThreads,
  NODE_NAME,
  natsUrls,
  number,
  shardsOrAll,
  url,
} from './config-fields.js';
import { type Limits, limitsOf } from './config-limits.js';
import { type NatsConfig, natsOf } from './config-nats.js';
import { type ConfigProblem, conflictsOf, problemsOf } from './config-problems.js';
import { ConfigError, type ConfigSources, defaultData, gather } from './config-sources.js';
import { type TorConfig, torControl, torOf } from './config-tor.js';
import type { Address } from './gateway/http-listener.js';
import { parseProxies } from './gateway/http-source.js';
import { MAX_BLOB_BYTES } from './gateway/requests.js';
import { type RegistrationPolicy, registrationPolicies } from './outcomes.js';

/** A node's configuration: a TOML file, the environment over it, flags over both; every value checked. */

const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;
const isAddress = (value: string) => Number(ADDRESS.exec(value)?.[3] ?? Number.NaN) <= 65_535;
/** `127.0.0.1:9814` or `[::1]:9814`, as `{host, port}`. */
function toAddress(value: string): Address {
  const [, ip6, host, port] = ADDRESS.exec(value) ?? [];
  return { host: ip6 ?? host ?? '', port: Number(port) };
}
const address = () => z.string().refine(isAddress, 'must be like 127.0.0.1:9814').transform(toAddress);
const addressOrOff = () =>
  z
    .string()
    .refine((value) => value === 'off' || isAddress(value), 'must be like 127.0.0.1:9814, or off')
    .transform((value) => (value === 'off' ? undefined : toAddress(value)));
/** `127.0.0.1,10.0.0.0/8`, or a list. */
const proxies = () =>
  z
    .preprocess(
      (value) => (typeof value === 'string' ? value.split(',').map((one) => one.trim()) : value),
      z.array(z.string()),
    )
    .refine(areProxies, 'must be addresses or networks, like 127.0.0.1 or 10.0.0.0/8');
function areProxies(list: readonly string[]): boolean {
  try {
    return parseProxies(list) !== undefined;
  } catch {
    return false;
  }
}
const u32 = 0xffffffff;

/** The settings, as the TOML file spells them. */
export const Settings = z.strictObject({
  network: Network.default('mainnet'),
  data: z.string().min(1).optional(),
  node: z
    .string()
    .regex(NODE_NAME, 'must be letters, digits, dots and dashes, 63 at the most')
    .default(defaultNodeName),
  log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  locator_cache_size: number().pipe(z.number().min(1).max(1000)).default(6),
  signature_threads: number().pipe(z.number().min(0).max(64)).default(defaultSignatureThreads),
  key: z.strictObject({ passphrase_file: z.string().min(1).optional() }).prefault({}),
  nats: z
    .strictObject({
      url: natsUrls().optional(),
      nkey_file: z.string().min(1).optional(),
      ca_file: z.string().min(1).optional(),
      host: z
        .string()
        .regex(/^[A-Za-z0-9.:-]+$/, 'must be like 127.0.0.1')
        .default('127.0.0.1'),
      port: number().pipe(z.number().min(1).max(65535)).default(4222),
      cert_file: z.string().min(1).optional(),
      key_file: z.string().min(1).optional(),
      websocket: address().optional(),
      clients_url: natsUrls().optional(),
      clients_listen: address().optional(),
    })
    .prefault({}),
  http: z
    .strictObject({
      listen: addressOrOff().prefault('127.0.0.1:9814'),
      python_listen: address().optional(),
      rust_listen: address().optional(),
      cert_file: z.string().min(1).optional(),
      key_file: z.string().min(1).optional(),
      max_connections: number().pipe(z.number().min(1).max(100_000)).default(1000),
      trusted_proxies: proxies().prefault([]),
      // Left out, a quarter of those.
      max_connections_per_source: number().pipe(z.number().min(1).max(100_000)).optional(),
    })
    .prefault({}),
  tor: z.strictObject({ control: torControl(), password_file: z.string().min(1).optional() }).prefault({}),
  metrics: z.strictObject({ listen: addressOrOff().prefault('off') }).prefault({}),
  web: z.strictObject({ listen: addressOrOff().prefault('127.0.0.1:9816') }).prefault({}),
  log: z
    .strictObject({
      // Left out, they are those of the log.
      shards: number().pipe(z.number().min(1).max(1000)).optional(),
      replicas: number().pipe(z.number().min(1).max(5)).optional(),
      serve: shardsOrAll().prefault('all'),
    })
    .prefault({}),
  // A commit is a kilobyte of log, so far fewer than this are not worth a file.
  snapshots: z.strictObject({ every: number().pipe(z.number().min(0)).default(100_000) }).prefault({}),
  bitcoind: z
    .strictObject({
      url: url(/^https?:/, 'http://127.0.0.1:8332').optional(),
      cookie_file: z.string().min(1).optional(),
      user: z.string().min(1).optional(),
      password: z.string().min(1).optional(),
      zmq_hashblock: url(/^(tcp|ipc):/, 'tcp://127.0.0.1:28332').optional(),
      zmq_sequence: url(/^(tcp|ipc):/, 'tcp://127.0.0.1:28332').optional(),
      poll_seconds: number().pipe(z.number().min(1).max(3600)).default(10),
      timeout_seconds: number().pipe(z.number().min(1).max(600)).default(30),
    })
    .prefault({}),
  subscription: z
    .strictObject({
      slots: number().pipe(z.number().min(1).max(u32)).default(10_000),
      duration: number().pipe(z.number().min(1).max(u32)).default(4320),
      grace: number().pipe(z.number().min(0).max(u32)).default(6),
    })
    .prefault({}),
  registration: z.strictObject({ policy: z.enum(registrationPolicies).default('open') }).prefault({}),
  limits: z
    .strictObject({
      max_appointments: number().pipe(z.number().min(0)).default(1_000_000),
      max_blob_bytes: number().pipe(z.number().min(16).max(500_000)).default(MAX_BLOB_BYTES),
      min_to_self_delay: number().pipe(z.number().min(0).max(u32)).default(20),
      max_users: number().pipe(z.number().min(0)).default(100_000),
      max_slots_per_user: number().pipe(z.number().min(1).max(u32)).default(u32),
      registrations_per_minute: number().pipe(z.number().min(0).max(1_000_000)).default(60),
      user_requests_per_second: number().pipe(z.number().min(0).max(1_000_000)).default(100),
      source_requests_per_second: number().pipe(z.number().min(0).max(1_000_000)).default(500),
    })
    .prefault({}),
});

type Settings = z.infer<typeof Settings>;

export interface Config {
  readonly network: Network;
  /** The node's folder. */
  readonly data: string;
  /** The node's name: what its commits say. */
  readonly node: string;
  readonly logLevel: Settings['log_level'];
  readonly locatorCacheSize: number;
  /** Threads that recover keys and sign receipts; with none the node's own does it. */
  readonly signatureThreads: number;
  /** The file with the passphrase of the tower's key, where that is encrypted. */
  readonly key: { readonly passphraseFile: string | undefined };
  readonly nats: NatsConfig;
  readonly http: HttpConfig;
  /** The tor that is asked for an onion service; undefined for none. */
  readonly tor: TorConfig | undefined;
  /** Where programs that look after the node are answered; undefined for nowhere. */
  readonly metrics: { readonly listen: Address | undefined };
  /** Where the operator's page is shown; undefined for nowhere. */
  readonly web: { readonly listen: Address | undefined };
  readonly log: Settings['log'];
  /** After how many commits of a stream there is a new snapshot of what was folded of it; 0: never, and none is used. */
  readonly snapshots: Settings['snapshots'];
  readonly bitcoind: {
    readonly url: string;
    readonly auth: { readonly user: string; readonly password: string } | { readonly cookieFile: string };
    readonly zmqHashblock: string | undefined;
    /** Undefined to leave the mempool unwatched. */
    readonly zmqSequence: string | undefined;
    readonly pollSeconds: number;
    readonly timeoutMs: number;
  };
  readonly subscription: Settings['subscription'];
  /** Who may register. */
  readonly registration: { readonly policy: RegistrationPolicy };
  readonly limits: Limits;
}

export interface HttpConfig {
  /** The addresses to listen on; those of one dialect alone say which. */
  readonly listen: readonly (Address & { readonly dialect?: Dialect })[];
  /** Files with a certificate chain and its key, in PEM. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly maxConnections: number;
  /** Addresses and networks of proxies whose word is taken for where a request comes from. */
  readonly trustedProxies: readonly string[];
  /** Of them from one IPv4 address or IPv6 network; this machine's own do not count. */
  readonly maxConnectionsPerSource: number;
}

/** Reads the configuration. Throws `ConfigError` with one line for the first value that is wrong. */
export function readConfig(sources: ConfigSources): Config {
  const checked = checkConfig(sources);
  if ('config' in checked) return checked.config;
  throw new ConfigError(checked.problems[0]?.message);
}

/** The configuration, or all that is wrong with it. Throws `ConfigError` for a file that cannot be read, or is not TOML. */
export function checkConfig(sources: ConfigSources): { config: Config } | { problems: readonly ConfigProblem[] } {
  const { values, origin } = gather(sources);
  const parsed = Settings.safeParse(values);
  if (!parsed.success) return { problems: problemsOf(parsed.error, origin) };
  const { network, nats, http, tor, bitcoind, limits, subscription } = parsed.data;
  const problems = conflictsOf([
    () => natsOf(nats, ''),
    () => httpOf(http),
    () => torOf(tor, http),
    () => bitcoindAuth(network, bitcoind),
    () => limitsOf(limits, subscription.slots),
  ]);
  return problems.length > 0 ? { problems } : { config: toConfig(parsed.data) };
}

function toConfig(settings: Settings): Config {
  const { network, nats, bitcoind } = settings;
  const data = settings.data ?? defaultData(network);
  return {
    network,
    data,
    node: settings.node,
    logLevel: settings.log_level,
    locatorCacheSize: settings.locator_cache_size,
    signatureThreads: settings.signature_threads,
    key: { passphraseFile: settings.key.passphrase_file },
    nats: natsOf(nats, data),
    http: httpOf(settings.http),
    tor: torOf(settings.tor, settings.http),
    metrics: { listen: settings.metrics.listen },
    web: { listen: settings.web.listen },
    log: settings.log,
    snapshots: settings.snapshots,
    bitcoind: {
      url: bitcoind.url ?? `http://127.0.0.1:${networks[network].rpcPort}`,
      auth: bitcoindAuth(network, bitcoind),
      zmqHashblock: bitcoind.zmq_hashblock,
      zmqSequence: bitcoind.zmq_sequence,
      pollSeconds: bitcoind.poll_seconds,
      timeoutMs: bitcoind.timeout_seconds * 1000,
    },
    subscription: settings.subscription,
    registration: settings.registration,
    limits: limitsOf(settings.limits, settings.subscription.slots),
  };
}

function httpOf({ listen, ...http }: Settings['http']): HttpConfig {
  const { cert_file: certFile, key_file: keyFile, python_listen: python, rust_listen: rust } = http;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new ConfigError('http: TLS needs both cert_file and key_file');
  return {
    listen: [
      ...(listen ? [listen] : []),
      ...(python ? [{ ...python, dialect: 'python' as const }] : []),
      ...(rust ? [{ ...rust, dialect: 'rust' as const }] : []),
    ],
    tls: certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined,
    maxConnections: http.max_connections,
    trustedProxies: http.trusted_proxies,
    maxConnectionsPerSource: http.max_connections_per_source ?? Math.ceil(http.max_connections / 4),
  };
}

/** Where bitcoind keeps its cookie, below its own data folder. */
export const COOKIE_FOLDER: Readonly<Record<Network, string>> = {
  mainnet: '',
  testnet: 'testnet3',
  testnet4: 'testnet4',
  signet: 'signet',
  regtest: 'regtest',
};

function bitcoindAuth(network: Network, { user, password, cookie_file: cookieFile }: Settings['bitcoind']) {
  if (user !== undefined && password !== undefined && cookieFile === undefined) return { user, password };
  if (user === undefined && password === undefined)
    return { cookieFile: cookieFile ?? join(homedir(), '.bitcoin', COOKIE_FOLDER[network], '.cookie') };
  throw new ConfigError('bitcoind: give either cookie_file, or both user and password');
}
