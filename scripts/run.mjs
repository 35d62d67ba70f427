// What `npm run demo`, `npm test` and their like do: prepare the checkout, then hand the terminal to the program.

import path from 'node:path';
import { handleSignals, handOver, show } from './process.mjs';
import { runMain, SetupError } from './report.mjs';
import { ensureChromium, ensureNatsServer, ensureServers, ensureTor, findIp } from './servers.mjs';
import { build, checkNode, DIST, ensureModules, listFiles, ROOT } from './setup.mjs';

/** @type {Record<string, (args: string[]) => Promise<void>>} */
const COMMANDS = {
  async demo(args) {
    await ensureModules();
    const servers = await serversAsEnvironment();
    await build();
    await run('cli/demo/main.js', args, servers);
  },

  async bench(args) {
    await ensureModules();
    const servers = await serversAsEnvironment();
    await build();
    await run('bench/main.js', args, servers);
  },

  async torture(args) {
    await ensureModules();
    const servers = await serversAsEnvironment();
    await build();
    await run('test/torture/main.js', args, servers);
  },

  async argus(args) {
    await ensureModules();
    const starts = ['up', 'init', 'migrate'].includes(args.find((arg) => !arg.startsWith('-')) ?? '');
    const servers = starts ? { NATS_SERVER: (await ensureNatsServer()).natsServer } : {};
    await build();
    await run('cli/main.js', args, servers);
  },

  async build() {
    await ensureModules();
    await build();
  },

  async test(args) {
    await ensureModules();
    const servers = await serversAsEnvironment();
    await build();
    await lint();
    const options = args.filter((arg) => arg.startsWith('-'));
    const files = selectTests(args.filter((arg) => !arg.startsWith('-')));
    const ip = await findIp();
    const areIn = (/** @type {string[]} */ ...folder) => files.some((file) => file.includes(path.join(...folder)));
    const chromium = areIn('test', 'web') ? await ensureChromium() : undefined;
    const tor = areIn('onion') ? await ensureTor() : undefined;
    const programs = {
      ...servers,
      ...(ip && { IP_COMMAND: ip }),
      ...(chromium && { CHROMIUM: chromium }),
      ...(tor && { TOR: tor }),
    };
    const runner = path.join(ROOT, 'scripts', 'tests.mjs');
    await handOver(process.execPath, ['--enable-source-maps', runner, ...options, ...spread(files)], programs);
  },
};

async function serversAsEnvironment() {
  const { natsServer, bitcoind } = await ensureServers();
  return { NATS_SERVER: natsServer, BITCOIND: bitcoind };
}

/** @param {string} file in dist/ @param {string[]} args @param {Record<string, string>} env */
async function run(file, args, env) {
  await handOver(process.execPath, ['--enable-source-maps', path.join(DIST, file), ...args], env);
}

async function lint() {
  const linter = path.join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const clean = await show(process.execPath, [linter, 'check', '--error-on-warnings', '.'], { cwd: ROOT });
  if (!clean) throw new SetupError('the linter objects; `npm run format` mends what can be mended by itself');
}

/**
 * @param {string[]} names parts of test files' paths, sources or compiled; none means all
 * @returns {string[]}
 * @throws {SetupError} if there is nothing to run: a mistyped name must not look like success
 */
function selectTests(names) {
  const tests = listFiles(DIST, 'test').filter((file) => file.endsWith('.test.js'));
  const wanted = names.map((name) => name.replace(/^(\.\/)?(dist\/)?/, '').replace(/\.(ts|js)$/, ''));
  const selected = wanted.length === 0 ? tests : tests.filter((file) => wanted.some((name) => file.includes(name)));
  if (selected.length === 0)
    throw new SetupError(`no test file matches ${names.join(' ') || 'dist/test/**/*.test.js'}`);
  return selected.map((file) => path.join(DIST, file));
}

/**
 * Each folder's files evenly over the whole run, so that no time of it has all of the heavy ones.
 * @param {string[]} files
 */
function spread(files) {
  /** @type {Map<string, string[]>} */
  const folders = new Map();
  for (const file of files) folders.set(path.dirname(file), [...(folders.get(path.dirname(file)) ?? []), file]);
  const placed = [...folders.values()].flatMap((ones) =>
    ones.map((file, i) => ({ file, at: (i + 0.5) / ones.length })),
  );
  return placed.sort((one, other) => one.at - other.at).map(({ file }) => file);
}

await runMain(async () => {
  checkNode();
  handleSignals();
  const [name = '', ...args] = process.argv.slice(2);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new SetupError(`usage: node scripts/run.mjs ${Object.keys(COMMANDS).join('|')} [arguments]`);
  await command(args);
});
