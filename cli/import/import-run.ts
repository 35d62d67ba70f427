import { existsSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Network } from '../../actors/chain-monitor/networks.js';
import type { Config } from '../../actors/config.js';
import { towerKeyOf } from '../../actors/secrets.js';
import { Height } from '../../events/ids.js';
import type { TowerImported } from '../../events/import.js';
import { Progress } from '../audit/progress.js';
import { isConfirmed } from '../confirm.js';
import { type LogAccess, withLog } from '../log-access.js';
import { type Beginning, ChainSide } from './chain-side.js';
import { beginImport, endImport, finishImport, importState } from './import-log.js';
import { assertKeyFits, keepKey, passphraseFor } from './keep-key.js';
import { openLevelTower } from './leveldb-tower.js';
import { ImportError, type OldTower } from './old-tower.js';
import { type Plan, planImport } from './plan.js';
import { type Found, report } from './report.js';
import { openSqliteTower } from './sqlite-tower.js';
import { writeUsers } from './write-users.js';

export interface ImportOptions {
  readonly source: {
    readonly kind: 'teos-sqlite' | 'teos-leveldb';
    readonly path: string;
    readonly keyFile?: string | undefined;
  };
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly leaveBehind: boolean;
  readonly encrypt: boolean;
}

/** Imports a tower, after saying what that is; gives the exit status. Rejects with `ImportError` and what the log, bitcoind and files do. */
export async function runImport(config: Config, options: ImportOptions): Promise<number> {
  assertNetwork(options.source.kind, options.source.path, config.network);
  return withCopies(config.data, async (folder) => {
    const tower = await open(options.source, folder);
    const keys = await tower.keys().catch(async (error) => {
      await tower.close();
      throw error;
    });
    try {
      const [secret = new Uint8Array(), ...former] = keys;
      const key = towerKeyOf(secret);
      assertKeyFits(config, key.towerId);
      const found = {
        towerId: key.towerId,
        former: former.map((one) => towerKeyOf(one).towerId),
        ...(await look(config, tower)),
      };
      report(found, config, tower, options);
      if (options.dryRun) return isWhole(found, options) ? 0 : 1;
      if (!(await mayDo(found, options))) {
        report({ ...found, outcome: 'refused' }, config, tower, options);
        return 1;
      }
      const passphrase = options.encrypt ? await passphraseFor(config) : undefined;
      const outcome = await withLog(config, (access) =>
        write(access, config, { tower, found, key, keep: () => keepKey(config, secret, passphrase) }),
      );
      report({ ...found, outcome }, config, tower, options);
      return 0;
    } finally {
      for (const one of keys) one.fill(0);
      await tower.close();
    }
  });
}

/** Runs `act` with a folder of the node's own for the copies, which hold the key, and removes it. */
async function withCopies<T>(data: string, act: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(data, 'import');
  const isNew = !existsSync(data);
  rmSync(folder, { recursive: true, force: true }); // of an attempt that was killed
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    return await act(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    if (isNew) removeIfEmpty(data);
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // something is in it
  }
}

const open = ({ kind, path, keyFile }: ImportOptions['source'], folder: string): Promise<OldTower> =>
  kind === 'teos-sqlite' ? openSqliteTower(path, folder) : openLevelTower(path, folder, keyFile);

/** What the old towers call the folders of their networks; the python one has none for mainnet. */
const FOLDERS: Readonly<Record<string, Network>> = {
  main: 'mainnet',
  mainnet: 'mainnet',
  test: 'testnet',
  testnet: 'testnet',
  signet: 'signet',
  regtest: 'regtest',
};

function assertNetwork(kind: ImportOptions['source']['kind'], path: string, network: Network): void {
  const name = basename(kind === 'teos-sqlite' ? dirname(path) : path);
  const theirs = Object.hasOwn(FOLDERS, name) ? FOLDERS[name] : undefined;
  if (theirs !== undefined && theirs !== network)
    throw new ImportError(
      `${path} is that of a tower on ${theirs}, and the new one is to be on ${network}: --network ${theirs}`,
    );
}

interface Looked {
  readonly plan: Plan;
  readonly beginning: Beginning;
  readonly height: Height;
}

async function look(config: Config, tower: OldTower): Promise<Looked> {
  const chain = new ChainSide(config);
  const height = await chain.tip(config.network);
  const plan = await planImport(tower, height);
  const beginning = await chain.begin(height, await tower.lastBlocks(), plan.trackers);
  for (const { name, userId, locator, penaltyTx } of beginning.lost)
    plan.left.push({
      kind: 'tracker',
      id: name,
      user: userId,
      locator,
      why: 'its dispute is in no block that bitcoind has: the appointment is watched, and answered when it is mined again',
      ...(penaltyTx && { penalty_tx: penaltyTx }),
    });
  return { plan, beginning, height };
}

const isWhole = ({ plan }: Looked, { leaveBehind }: ImportOptions): boolean => leaveBehind || plan.left.length === 0;

/** Whether it may be done: what is left behind has to be agreed to by itself. */
async function mayDo(found: Found, options: ImportOptions): Promise<boolean> {
  const { left } = found.plan;
  if (options.yes && isWhole(found, options)) return true;
  if (!options.yes && (await isConfirmed(left.length > 0 ? `Go on without these ${left.length}?` : 'Do it?')))
    return true;
  const hint = options.yes ? ': --leave-behind goes on without what is listed' : '';
  process.stderr.write(`argus: nothing was done${hint}\n`);
  return false;
}

interface Work {
  readonly tower: OldTower;
  readonly found: Found;
  readonly key: ReturnType<typeof towerKeyOf>;
  /** Puts the key where the node looks for it. */
  readonly keep: () => Promise<void>;
}

async function write(access: LogAccess, config: Config, work: Work): Promise<'imported' | 'was-imported'> {
  const { tower, found, key, keep } = work;
  const { plan, beginning, height } = found;
  const wish = { network: config.network, towerId: key.towerId, ...config.log };
  const state = await importState(access, wish, plan.digest);
  await keep();
  if (state !== 'done') {
    const marked = await beginImport(access, wish, plan.digest);
    const progress = new Progress('users and appointments');
    progress.expect(plan.users.length + plan.appointments);
    const seen = beginning.seen?.height ?? height;
    await writeUsers(marked, plan.users, { tower, key, node: config.node, seen, written: () => progress.add(1) });
    progress.end();
    await finishImport(marked, statementOf(tower, found), beginning.first, config.node);
  }
  await endImport(access);
  return state === 'done' ? 'was-imported' : 'imported';
}

const statementOf = ({ from }: OldTower, { plan, beginning, height }: Looked): TowerImported => ({
  type: 'TowerImported',
  from,
  digest: plan.digest,
  users: plan.users.length,
  appointments: plan.appointments,
  trackers: plan.trackers.length,
  left: plan.left.length,
  ...(beginning.seen && { seen: beginning.seen }),
  height: Height.parse(height),
});
