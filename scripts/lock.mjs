// A lock between processes that set up the same checkout at once. It only saves work and tidies the output: what it
// guards is written aside and renamed when finished, so even two holders would do no harm.

import { closeSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync, utimesSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { log } from './report.mjs';

const BEAT_MS = 1_000;
const STALE_MS = 15_000;

/**
 * Runs `work` while holding the lock file; waits for a living holder, takes over from a dead one.
 * @template T
 * @param {string} file
 * @param {string} what is being done, for the line that says we are waiting
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, what, work) {
  mkdirSync(path.dirname(file), { recursive: true });
  let waiting = false;
  while (!acquire(file)) {
    if (isStale(file)) {
      release(file);
      continue;
    }
    if (!waiting) log(`another process is ${what}; waiting for it`);
    waiting = true;
    await sleep(200);
  }
  const onExit = () => release(file);
  process.once('exit', onExit);
  const beat = setInterval(() => touch(file), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    process.off('exit', onExit);
    release(file);
  }
}

/** @param {string} file */
function acquire(file) {
  try {
    const handle = openSync(file, 'wx');
    writeSync(handle, `${process.pid} ${os.hostname()}\n`);
    closeSync(handle);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** The beat decides, since a pid means nothing across containers; on the same host a dead pid need not be waited for. */
function isStale(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > STALE_MS) return true;
    const [pid, host] = readFileSync(file, 'utf8').trim().split(' ');
    return host === os.hostname() && !isAlive(Number(pid));
  } catch {
    return false; // released in this very moment
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

function touch(file) {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // somebody thought us dead, which harms nothing
  }
}

function release(file) {
  try {
    unlinkSync(file);
  } catch {
    // gone already
  }
}
