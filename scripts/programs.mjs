// Whether a program is the server we need.

import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { capture } from './process.mjs';

/**
 * @typedef {object} Server
 * @property {string} name of the program
 * @property {string} variable of the environment that may name another program
 * @property {readonly [number, number]} minimum major and minor version
 * @property {string[]} question arguments that make it print its version and end
 * @property {RegExp} answer to that; its groups are the major version, the minor one and the rest
 * @property {RegExp} [able] what the answer must hold besides
 * @property {string} [unable] what is wrong with a program whose answer does not hold it
 * @property {string} debianPackage
 * @property {string} [packaged] where the package has the program, if in no folder for programs; what it needs is beside it
 * @property {string} [flags] of a shell's line, for the packaged one; `$here` is the folder of all that was fetched
 * @property {string} advice where people get it
 */

/** @typedef {{ program: string, version: string }} Found */

/**
 * Asks a program for its version.
 * @param {Server} server
 * @param {string} program
 * @returns {Promise<Found | { problem: string }>} the problem as the end of a sentence about the program
 */
export async function checkProgram(server, program) {
  if (!isExecutable(program)) return { problem: 'is not a program' };
  const { stdout, stderr } = await capture(program, server.question, { timeout: 20_000 });
  const [, major, minor, rest] = server.answer.exec(stdout) ?? [];
  if (major === undefined || minor === undefined) {
    const said = `${stderr}\n${stdout}`.trim().split('\n')[0];
    return { problem: `does not answer as a ${server.name} does${said ? `: ${said}` : ''}` };
  }
  const version = `${major}.${minor}${rest}`;
  if (!isEnough([Number(major), Number(minor)], server.minimum)) {
    return { problem: `is version ${version}; ${server.minimum.join('.')} or newer is needed` };
  }
  if (server.able && !server.able.test(stdout)) return { problem: server.unable ?? 'is not able enough' };
  return { program, version };
}

/** @param {readonly [number, number]} version @param {readonly [number, number]} minimum */
function isEnough([major, minor], [minimumMajor, minimumMinor]) {
  return major > minimumMajor || (major === minimumMajor && minor >= minimumMinor);
}

/**
 * @param {string} name of a program
 * @returns {string | undefined} the absolute path of the first one on PATH
 */
export function findOnPath(name) {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const program = path.resolve(folder, name);
    if (folder !== '' && isExecutable(program)) return program;
  }
  return undefined;
}

/** @param {string} file */
export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
