import { z } from 'zod';
import { BitcoindRpc } from '../../actors/bitcoind/rpc.js';
import { BitcoindUnauthorized, understood } from '../../actors/bitcoind/rpc-errors.js';
import { networkOf, networks } from '../../actors/chain-monitor/networks.js';
import type { Config } from '../../actors/config.js';
import { shownUrl } from '../../actors/shown-url.js';
import { type ClockReading, compareClocks, peersClock } from './clock.js';
import { about, type Finding, said } from './finding.js';
import { examineZmq } from './zmq.js';

const { ok, warning, problem } = about('bitcoind');

/** How long it may be silent, in ms: a person waits. */
const PATIENCE_MS = 10_000;
/** The oldest Bitcoin Core, and Knots, that the tower is tried with: 26.0, as bitcoind writes it. */
const OLDEST = 260_000;

const Chain = z.object({
  blocks: z.number().int(),
  headers: z.number().int(),
  initialblockdownload: z.boolean(),
  pruned: z.boolean(),
  pruneheight: z.number().int().optional(),
});
const Peers = z.object({
  version: z.number().int(),
  subversion: z.string(),
  connections: z.number().int(),
  timeoffset: z.number().int(),
});
const Totals = z.object({ timemillis: z.number() });

/** The node's bitcoind: whether it answers, is the right one, and tells the node what that wants to hear. */
export async function examineBitcoind(config: Config): Promise<Finding[]> {
  const { bitcoind } = config;
  const rpc = new BitcoindRpc({ ...bitcoind, timeoutMs: Math.min(PATIENCE_MS, bitcoind.timeoutMs) });
  const ask = async <T>(shape: z.ZodType<T>, method: string, ...params: unknown[]): Promise<T> => {
    const answer = await rpc.call(method, ...params);
    return understood(method, () => shape.parse(answer));
  };
  let genesis: string;
  try {
    genesis = await ask(z.string(), 'getblockhash', 0);
  } catch (error) {
    return [away(error, config)];
  }
  const found = networkOf(genesis);
  const there = `bitcoind at ${shownUrl(bitcoind.url)}`;
  if (found !== config.network) return [otherNetwork(there, found, config)];
  try {
    const [chain, peers] = await Promise.all([ask(Chain, 'getblockchaininfo'), ask(Peers, 'getnetworkinfo')]);
    const asked = Date.now();
    const { timemillis: theirs } = await ask(Totals, 'getnettotals');
    const reading: ClockReading = { whose: 'bitcoind', theirs, asked, answered: Date.now() };
    return [
      versionOf(there, found, peers),
      ...chainOf(chain),
      ...peersOf(peers, config),
      ...(await examineZmq(config, rpc)),
      compareClocks(reading),
      ...peersClock(peers.timeoffset),
    ];
  } catch (error) {
    return [error instanceof BitcoindUnauthorized ? notAllowed(there, error) : away(error, config)];
  }
}

function away(error: unknown, { network, bitcoind }: Config): Finding {
  const { auth } = bitcoind;
  const url = shownUrl(bitcoind.url);
  const what = `${url}: ${said(error)}`;
  if (error instanceof BitcoindUnauthorized)
    return problem(
      `bitcoind at ${url} does not take the credentials (${said(error)})`,
      'cookieFile' in auth
        ? `bitcoind.cookie_file = "..." in argus.toml: now it is ${auth.cookieFile}, which has to be that bitcoind's, and readable`
        : 'bitcoind.user and bitcoind.password in argus.toml as rpcauth or rpcuser and rpcpassword in bitcoin.conf say',
    );
  const start = `start bitcoind with server=1 in bitcoin.conf${network === 'mainnet' ? '' : `, on ${network}`}`;
  return problem(
    `no bitcoind answers at ${what}`,
    `${start}; or bitcoind.url (${url}) ${'cookieFile' in auth ? `or bitcoind.cookie_file (${auth.cookieFile}) ` : ''}in argus.toml`,
  );
}

/** It knows us, but not everything may be asked. */
const notAllowed = (there: string, error: unknown): Finding =>
  problem(
    `${there} does not let this user ask all that the tower asks (${said(error)})`,
    "take the user's rpcwhitelist out of bitcoin.conf",
  );

function otherNetwork(there: string, found: keyof typeof networks | undefined, { network }: Config): Finding {
  const port = networks[network].rpcPort;
  return problem(
    `${there} is on ${found ?? 'a network that is not known'}, and the node is to be on ${network}`,
    `${found ? `network = "${found}" in argus.toml, or ` : ''}bitcoind.url of one on ${network} (http://127.0.0.1:${port})`,
  );
}

function versionOf(there: string, network: string, { version, subversion }: z.infer<typeof Peers>): Finding {
  const name = subversion.replaceAll('/', '');
  return version < OLDEST
    ? problem(`${there} is ${name}`, 'install Bitcoin Core or Knots 26 or newer')
    : ok(`${there} is ${name}, on ${network}, and knows us`);
}

function chainOf({
  blocks,
  headers,
  initialblockdownload: isLoading,
  pruned,
  pruneheight,
}: z.infer<typeof Chain>): Finding[] {
  const { warning: pruning, ok: whole } = about('pruning');
  return [
    isLoading
      ? warning(
          `bitcoind is still loading the chain: block ${blocks} of ${headers}, or the newest is a day old. What is in blocks that it has not got is not seen`,
          'wait until `bitcoin-cli getblockchaininfo` says "initialblockdownload": false',
        )
      : ok(`its chain is at block ${blocks}`),
    pruned
      ? pruning(
          `bitcoind is pruned: blocks below ${pruneheight ?? 0} are gone. A node that was away for longer than that asks bitcoind's peers for them, and until one gives them nobody knows of breaches there`,
          'nothing, if some node is always up; else a larger prune=... in bitcoin.conf, or none',
        )
      : whole('bitcoind has all blocks (txindex is not needed)'),
  ];
}

const peersOf = ({ connections }: z.infer<typeof Peers>, { network }: Config): Finding[] =>
  connections > 0 || network === 'regtest'
    ? []
    : [
        warning(
          'bitcoind has no peers: it hears of no blocks and nobody gets its transactions',
          'connect=... or addnode=... in bitcoin.conf, or let it out',
        ),
      ];
