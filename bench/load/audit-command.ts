import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { AuditSource } from '../../actors/auditor/audit-source.js';
import { readConfig } from '../../actors/config.js';
import { packageRoot } from '../../actors/package-root.js';
import { openSource } from '../../cli/audit/source.js';
import type { Stage } from '../stage/stage.js';

const MAIN = join(packageRoot, 'dist', 'cli', 'main.js');

/** `argus audit` as an auditor of the stage's log runs it. */
export class AuditCommand {
  readonly #where: readonly string[];
  readonly #data: string;

  constructor(private readonly stage: Stage) {
    this.#data = join(stage.folder, 'tower');
    this.#where = ['--network', 'regtest', '--data', this.#data, '--nats', stage.nats.url];
  }

  /** The log as such a command opens it; the caller closes it. */
  open(): Promise<AuditSource> {
    const flags = { network: 'regtest', data: this.#data, 'nats.url': this.stage.nats.url };
    return openSource(readConfig({ env: {}, flags }));
  }

  /** Runs a command to its end; gives how long that took, in seconds. Rejects with what it says if it fails. */
  async seconds(...args: readonly string[]): Promise<number> {
    return secondsOf(['audit', ...args, ...this.#where]);
  }
}

/** How long the program takes before it does anything, in seconds: Node starts, and all is loaded. */
export const startSeconds = (): Promise<number> => secondsOf(['--version']);

async function secondsOf(args: readonly string[]): Promise<number> {
  const begun = performance.now();
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
  const [said, status] = await Promise.all([text(child.stderr), ended]);
  if (status !== 0) throw new Error(`argus ${args[0]} ${args[1]} ended with ${status}: ${said}`);
  return (performance.now() - begun) / 1000;
}
