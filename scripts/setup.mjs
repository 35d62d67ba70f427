// From a checkout to something that runs: the Node version, the modules, the compiled sources.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { show } from './process.mjs';
import { log, SetupError } from './report.mjs';

export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const MODULES = path.join(ROOT, 'node_modules');
export const DIST = path.join(ROOT, 'dist');
const COMPILER_NOTES = path.join(DIST, '.tsbuildinfo');
// In a folder that git ignores and npm does not empty.
const LOCK = path.join(ROOT, '.servers', 'setup.lock');

const OLDEST_NODE = [20, 19];

/** @throws {SetupError} if this Node is too old */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new SetupError(`Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.versions.node}`);
}

/** Installs the modules that package-lock.json names, unless they are there. */
export async function ensureModules() {
  if (modulesAreCurrent()) return;
  await withLock(LOCK, 'setting up', async () => {
    if (modulesAreCurrent()) return;
    log('installing modules (npm ci)');
    // The compiler and the linter are wanted whatever NODE_ENV says.
    if (!(await show('npm', ['ci', '--include=dev', '--loglevel=error'], { cwd: ROOT }))) {
      throw new SetupError('npm ci failed');
    }
  });
}

/**
 * npm keeps a lock file of what it has really installed, and writes it last; an optional package is there only on the
 * platform that it is for.
 */
function modulesAreCurrent() {
  const installed = readPackages(path.join(MODULES, '.package-lock.json'));
  const wanted = readPackages(path.join(ROOT, 'package-lock.json'));
  const names = Object.keys(wanted).filter((name) => name !== '' && !wanted[name].optional);
  return names.length > 0 && names.every((name) => installed[name]?.integrity === wanted[name].integrity);
}

/**
 * @param {string} lockFile
 * @returns {Record<string, { optional?: boolean, integrity?: string }>} by folder
 */
function readPackages(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  } catch {
    return {};
  }
}

/**
 * Compiles what has changed into dist/.
 * @throws {SetupError} if the sources have errors, which the compiler has shown by then
 */
export async function build() {
  await withLock(LOCK, 'setting up', async () => {
    const sources = listSources();
    removeOrphans(sources);
    if (!existsSync(COMPILER_NOTES)) log('compiling');
    await compile();
    if (sources.every((source) => existsSync(path.join(DIST, `${source}.js`)))) return;
    // The compiler trusts its notes: it does not write an output again that somebody removed.
    rmSync(COMPILER_NOTES, { force: true });
    await compile();
  });
}

async function compile() {
  const compiler = path.join(MODULES, 'typescript', 'bin', 'tsc');
  if (!(await show(process.execPath, [compiler, '-p', '.'], { cwd: ROOT }))) throw new SetupError('compiling failed');
}

/** The sources' paths from the root, without their ending. */
function listSources() {
  /** @type {{ include: string[] }} */
  const { include } = JSON.parse(readFileSync(path.join(ROOT, 'tsconfig.json'), 'utf8'));
  return include
    .flatMap((folder) => listFiles(ROOT, folder))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => file.slice(0, -'.ts'.length));
}

/** Removes what was compiled from a source that is gone; its test would still run. @param {string[]} sources */
function removeOrphans(sources) {
  const living = new Set(sources);
  for (const file of listFiles(DIST, '')) {
    const source = file.replace(/(\.d\.ts|\.js)(\.map)?$/, '');
    if (source !== file && !living.has(source)) rmSync(path.join(DIST, file));
  }
}

/**
 * @param {string} root
 * @param {string} folder in it
 * @returns {string[]} the paths from the root of all files at any depth, in a stable order
 */
export function listFiles(root, folder) {
  const at = path.join(root, folder);
  if (!existsSync(at)) return [];
  const entries = readdirSync(at, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const name = path.join(folder, entry.name);
    return entry.isDirectory() ? listFiles(root, name) : [name];
  });
}
