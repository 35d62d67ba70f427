// Servers unpacked from Debian's packages:
//
//   .servers/NAME/      the server's package and every library it needs
//   .servers/bin/NAME   starts it with those libraries; written last, so it is there only if all the rest is
//   .servers/apt/       lists and downloads of a fetch that did not end; the next one goes on with them

import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { unpackPackages } from './debian.mjs';
import { checkProgram, isExecutable } from './programs.mjs';
import { SetupError } from './report.mjs';

/** @typedef {import('./programs.mjs').Server} Server */
/** @typedef {import('./programs.mjs').Found} Found */

/**
 * A server that was fetched before, if it runs on this machine and is new enough.
 * @param {string} folder
 * @param {Server} server
 * @returns {Promise<Found | undefined>}
 */
export async function findFetched(folder, server) {
  const starter = path.join(folder, 'bin', server.name);
  if (!isExecutable(starter)) return undefined;
  const checked = await checkProgram(server, starter);
  return 'problem' in checked ? undefined : checked;
}

/**
 * Fetches servers. Each is made and tried aside, then moved into place. The caller holds the lock.
 * @param {string} folder
 * @param {readonly Server[]} servers
 * @returns {Promise<Map<Server, Found>>}
 * @throws {SetupError} with one line
 */
export async function fetchServers(folder, servers) {
  for (const name of readdirSync(folder)) {
    if (name.startsWith('new-')) rmSync(path.join(folder, name), { recursive: true, force: true });
  }
  const fresh = path.join(folder, `new-${process.pid}`);
  /** @type {Record<string, string>} */
  const roots = {};
  for (const server of servers) {
    const root = path.join(fresh, server.name);
    mkdirSync(root, { recursive: true });
    roots[server.debianPackage] = root;
  }
  try {
    await unpackPackages(roots, path.join(folder, 'apt'));
    /** @type {Map<Server, Found>} */
    const found = new Map();
    for (const server of servers) found.set(server, await moveIntoPlace(folder, fresh, server));
    return found;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @param {string} fresh
 * @param {Server} server
 * @returns {Promise<Found>}
 */
async function moveIntoPlace(folder, fresh, server) {
  writeStarter(fresh, server);
  const checked = await checkProgram(server, path.join(fresh, 'bin', server.name));
  if ('problem' in checked) throw new SetupError(`the packaged ${server.name} ${checked.problem}`);
  const starter = path.join('bin', server.name);
  rmSync(path.join(folder, starter), { force: true });
  rmSync(path.join(folder, server.name), { recursive: true, force: true });
  mkdirSync(path.join(folder, 'bin'), { recursive: true });
  for (const part of [server.name, starter]) renameSync(path.join(fresh, part), path.join(folder, part));
  return { ...checked, program: path.join(folder, starter) };
}

/**
 * A script rather than a link: the packages' libraries may be newer than the system's, and only their own loader can
 * start a program with them. It finds them from where it is itself, so that the folder may be moved, and becomes the
 * server, so that a signal to it is a signal to the server.
 * A program that looks for its files where it is itself finds its loader there: that is what runs.
 * @param {string} folder
 * @param {Server} server
 */
function writeStarter(folder, { name, packaged, flags = '' }) {
  const libraries = findLibraries(folder, name);
  let loader = readdirSync(path.join(folder, libraries)).find((file) => /^ld(-linux.*|64)\.so\.\d+$/.test(file));
  const program = (packaged ? [packaged] : ['usr/bin', 'usr/sbin'].map((bin) => path.join(bin, name)))
    .map((file) => path.join(name, file))
    .find((file) => existsSync(path.join(folder, file)));
  if (!loader || !program) throw new SetupError(`the packaged ${name} is not laid out as expected`);
  loader = path.join(libraries, loader);
  if (packaged) {
    const beside = path.join(path.dirname(program), 'ld.so');
    copyFileSync(path.join(folder, loader), path.join(folder, beside));
    loader = beside;
  }
  // Debian gives some libraries a folder of their own.
  const folders = ['', 'pulseaudio', 'nss'].map((part) => `"$here/${path.join(libraries, part)}"`).join(':');
  const script = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")/..
export FONTCONFIG_SYSROOT="$here/${name}"
exec "$here/${loader}" --library-path ${packaged ? folders : `"$here/${libraries}"`} "$here/${program}" ${flags && `${flags} `}"$@"
`;
  mkdirSync(path.join(folder, 'bin'), { recursive: true });
  writeFileSync(path.join(folder, 'bin', name), packaged ? script : script.replace(/^export.*\n/m, ''), {
    mode: 0o755,
  });
}

/** The folder of the C library, where Debian puts all others and the loader too, whatever the architecture. */
function findLibraries(folder, name) {
  const lib = path.join(name, 'usr/lib');
  const architectures = readdirSync(path.join(folder, lib)).map((architecture) => path.join(lib, architecture));
  const found = architectures.find((candidate) => existsSync(path.join(folder, candidate, 'libc.so.6')));
  if (!found) throw new SetupError(`the packaged ${name} came without a C library`);
  return found;
}
