// Child processes: the helpers of the set-up (apt, npm, the compiler), which die with us, and the program in the
// foreground, which we outlive.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { SetupError } from './report.mjs';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/** @type {Set<ChildProcess>} */
const helpers = new Set();
/** @type {ChildProcess | undefined} */
let foreground;

// npm passes a SIGTERM on to the shell that it started us with, which dies of it without telling us.
const PARENT = process.ppid;
const startedByNpm = process.env.npm_lifecycle_event !== undefined;

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * Decides what a signal to us means. During the set-up: stop the helpers and leave. With a program in the
 * foreground: wait for it to clean up. Ctrl-C and a closed terminal reach the whole process group, so the program has
 * that signal already and a second one might cut its clean-up short; SIGTERM comes to us alone and is passed on.
 */
export function handleSignals() {
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

/** @param {NodeJS.Signals} signal */
function onSignal(signal) {
  if (foreground) {
    if (signal === 'SIGTERM') foreground.kill(signal);
    return;
  }
  for (const helper of helpers) helper.kill('SIGTERM');
  process.exit(128 + constants.signals[signal]);
}

/**
 * Runs a helper to its end and keeps what it printed.
 * @param {string} program
 * @param {string[]} args
 * @param {{ timeout?: number, env?: NodeJS.ProcessEnv }} [options] milliseconds after which it is killed
 * @returns {Promise<{ ok: boolean, stdout: string, stderr: string }>} not ok too if the program could not be started
 */
export function capture(program, args, { timeout, env } = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout, env: env ?? process.env });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => {
    helpers.add(child);
    child.once('error', (error) => {
      helpers.delete(child);
      resolve({ ok: false, stdout, stderr: error.message });
    });
    child.once('close', (code) => {
      helpers.delete(child);
      resolve({ ok: code === 0, stdout, stderr });
    });
  });
}

/**
 * Runs a helper whose output is for the reader, on our stderr.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string }} [options]
 * @returns {Promise<boolean>} whether it succeeded
 */
export function show(program, args, { cwd } = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 2, 2], cwd });
  return new Promise((resolve, reject) => {
    helpers.add(child);
    child.once('error', (error) => {
      helpers.delete(child);
      reject(new SetupError(`${program} could not be started: ${error.message}`));
    });
    child.once('close', (code) => {
      helpers.delete(child);
      resolve(code === 0);
    });
  });
}

/**
 * Hands the terminal to a program and, when it has ended, ends as it did: with its status, or by its signal.
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} env added to our own environment
 * @returns {Promise<void>}
 */
export function handOver(program, args, env) {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  foreground = child;
  const watch = setInterval(() => {
    if (!startedByNpm || process.ppid === PARENT) return;
    clearInterval(watch);
    child.kill('SIGTERM');
  }, 500).unref();
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new SetupError(`${program} could not be started: ${error.message}`)));
    child.once('exit', (code, signal) => {
      clearInterval(watch);
      if (signal) {
        for (const handled of SIGNALS) process.off(handled, onSignal);
        process.kill(process.pid, signal);
      }
      process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
      resolve();
    });
  });
}
