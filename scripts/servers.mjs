// The two real servers that the demo and the tests run on: found on this machine if it has them, else unpacked from
// Debian's packages into .servers/. `node scripts/servers.mjs` fetches what is missing and says where they are.

import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fetchServers, findFetched } from './fetch.mjs';
import { withLock } from './lock.mjs';
import { handleSignals } from './process.mjs';
import { checkProgram, findOnPath } from './programs.mjs';
import { log, runMain, SetupError } from './report.mjs';

const FOLDER = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), '.servers');

/** @typedef {import('./programs.mjs').Server} Server */
/** @typedef {import('./programs.mjs').Found} Found */

/** @type {Server} */
const NATS_SERVER = {
  name: 'nats-server',
  variable: 'NATS_SERVER',
  minimum: [2, 12], // atomic batches, which the log is written with
  question: ['--version'],
  answer: /^nats-server: v?(\d+)\.(\d+)(\S*)/,
  debianPackage: 'nats-server',
  advice: '"brew install nats-server", or a release from github.com/nats-io/nats-server',
};

/** @type {Server} */
const BITCOIND = {
  name: 'bitcoind',
  variable: 'BITCOIND',
  minimum: [26, 0], // submitpackage on every network, which a penalty with a low fee needs
  question: ['-help'],
  answer: /^Bitcoin .*version v(\d+)\.(\d+)(\S*)/,
  able: /-zmqpubhashblock/,
  unable: 'was built without ZMQ',
  debianPackage: 'bitcoin-knots',
  advice: '"brew install bitcoin", or Bitcoin Core from bitcoincore.org',
};

/**
 * No server, and nobody needs it: without it the tests that cut networks are skipped. So it is only fetched on the way.
 * @type {Server}
 */
const IP = {
  name: 'ip',
  variable: 'IP_COMMAND',
  minimum: [5, 0],
  question: ['-V'],
  answer: /^ip utility, iproute2-(\d+)\.(\d+)(\S*)/,
  debianPackage: 'iproute2',
  advice: 'the package iproute2',
};

/**
 * No server either, and large: fetched when the tests of the web page are run, which are skipped without it.
 * @type {Server}
 */
const CHROMIUM = {
  name: 'chromium',
  variable: 'CHROMIUM',
  minimum: [120, 0],
  question: ['--version', '--no-sandbox'],
  answer: /^(?:Chromium|Google Chrome) (\d+)\.(\d+)(\S*)/,
  debianPackage: 'chromium',
  packaged: 'usr/lib/chromium/chromium',
  // Its processes are started by whatever runs as it, which is its loader.
  flags: '--browser-subprocess-path="$here/bin/chromium" --no-zygote',
  advice: 'the package chromium',
};

/**
 * Fetched for the tests of the onion service, which are skipped without it.
 * @type {Server}
 */
const TOR = {
  name: 'tor',
  variable: 'TOR',
  minimum: [0, 4],
  question: ['--version'],
  answer: /^Tor version (\d+)\.(\d+)(\S*)/m,
  debianPackage: 'tor',
  advice: 'the package tor',
};

const SERVERS = [NATS_SERVER, BITCOIND];

/**
 * Finds both servers and fetches what the machine lacks. When nothing has to be fetched it needs no network.
 * @returns {Promise<{ natsServer: string, bitcoind: string }>} absolute paths
 * @throws {SetupError} with one line for each server that cannot be had
 */
export async function ensureServers() {
  const [natsServer, bitcoind] = await findServers(SERVERS);
  return { natsServer: natsServer.program, bitcoind: bitcoind.program };
}

/**
 * The `ip` of this machine, or the one that was fetched with the servers.
 * @returns {Promise<string | undefined>} a path
 */
export async function findIp() {
  const found = await find(IP);
  return found && !('problem' in found) ? found.program : undefined;
}

/**
 * The Chromium of this machine, or the one that is fetched for the tests.
 * @returns {Promise<string | undefined>} a path; undefined if it cannot be had
 * @throws {SetupError} if the one that the environment names will not do
 */
export const ensureChromium = () => ensureForTests(CHROMIUM, 'the web page');

/**
 * The tor of this machine, or the one that is fetched for the tests.
 * @returns {Promise<string | undefined>} a path; undefined if it cannot be had
 * @throws {SetupError} if the one that the environment names will not do
 */
export const ensureTor = () => ensureForTests(TOR, 'the onion service');

/**
 * @param {Server} server
 * @param {string} what its tests are about
 * @returns {Promise<string | undefined>}
 */
async function ensureForTests(server, what) {
  const found = await find(server);
  if (found && 'problem' in found) throw new SetupError(found.problem);
  if (found) return found.program;
  try {
    const fetch = () => fetchMissing([server]);
    const fetched = await withLock(path.join(FOLDER, 'fetch.lock'), `fetching ${server.name}`, fetch);
    return fetched.get(server)?.program;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    log(`the tests of ${what} are skipped: ${error.message}`);
    return undefined;
  }
}

/**
 * The one that a node starts for itself; its bitcoind is the operator's.
 * @returns {Promise<{ natsServer: string }>} an absolute path
 * @throws {SetupError} with one line if it cannot be had
 */
export async function ensureNatsServer() {
  const [natsServer] = await findServers([NATS_SERVER]);
  return { natsServer: natsServer.program };
}

/**
 * @param {readonly Server[]} servers
 * @returns {Promise<Found[]>} in their order
 */
async function findServers(servers) {
  const found = await Promise.all(servers.map(find));
  const problems = found.flatMap((result) => (result && 'problem' in result ? [result.problem] : []));
  if (problems.length > 0) throw new SetupError(problems.join('\n'));
  if (!found.includes(undefined)) return found;
  const missing = servers.filter((_, index) => !found[index]);
  if (servers.includes(BITCOIND) && !(await findIp())) missing.push(IP);
  const fetched = await withLock(path.join(FOLDER, 'fetch.lock'), 'fetching the servers', () => fetchMissing(missing));
  return servers.map((server, index) => found[index] ?? fetched.get(server));
}

/**
 * @param {Server} server
 * @returns {Promise<Found | { problem: string } | undefined>} a problem if the one that was asked for will not do
 */
async function find(server) {
  const named = process.env[server.variable];
  if (named) {
    // npm starts us in the checkout and says where it was started itself.
    const program = named.includes('/') ? path.resolve(process.env.INIT_CWD ?? '', named) : findOnPath(named);
    const checked = program ? await checkProgram(server, program) : { problem: 'is not on PATH' };
    return 'problem' in checked ? { problem: `${server.variable} names ${named}, which ${checked.problem}` } : checked;
  }
  const program = findOnPath(server.name);
  if (program) {
    const checked = await checkProgram(server, program);
    if (!('problem' in checked)) return checked;
    log(`not using ${program}, which ${checked.problem}`);
  }
  return findFetched(FOLDER, server);
}

/**
 * @param {Server[]} missing
 * @returns {Promise<Map<Server, Found>>}
 */
async function fetchMissing(missing) {
  // Looking again first: another process may have fetched them while this one waited for the lock.
  /** @type {Map<Server, Found>} */
  const found = new Map();
  const still = [];
  for (const server of missing) {
    const fetched = await findFetched(FOLDER, server);
    if (fetched) found.set(server, fetched);
    else still.push(server);
  }
  if (still.length === 0) return found;
  try {
    for (const [server, fetched] of await fetchServers(FOLDER, still)) found.set(server, fetched);
    return found;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    if (still.includes(IP)) return fetchMissing(missing.filter((server) => server !== IP));
    throw new SetupError(still.map((server) => advise(server, error.message)).join('\n'));
  }
}

/** @param {Server} server @param {string} reason */
function advise({ name, minimum, variable, advice }, reason) {
  const needed = `${name} ${minimum.join('.')} or newer is needed, on PATH or named by ${variable}`;
  return `${needed}: ${advice} (it could not be taken from Debian: ${reason})`;
}

async function main() {
  handleSignals();
  const names = process.argv.slice(2);
  const servers = names.length > 0 ? SERVERS.filter(({ name }) => names.includes(name)) : SERVERS;
  if (servers.length < names.length) throw new SetupError('usage: node scripts/servers.mjs [nats-server] [bitcoind]');
  const found = await findServers(servers);
  servers.forEach(({ name }, index) => {
    process.stdout.write(`${name} ${found[index].version}: ${found[index].program}\n`);
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(main);
