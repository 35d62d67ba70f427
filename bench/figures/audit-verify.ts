import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { packageRoot } from '../../actors/package-root.js';
import { towerKey } from '../../actors/secrets.js';
import { Height, type Shard } from '../../events/ids.js';
import { towerStream } from '../../events/log/streams.js';
import type { Figure } from '../figure.js';
import { bareConsumeRates } from '../limits/bare-consume.js';
import { checkingRate } from '../limits/checking.js';
import { round } from '../measure/statistics.js';
import { SignedLog } from '../stage/signed-log.js';
import type { Stage } from '../stage/stage.js';

const SHARD = 0 as Shard;
const EVENTS = 1_000_000;
const USERS = 1_000;
const BLOB_BYTES = 200;
const LIMIT_SECONDS = 3;

const Said = z.object({
  ok: z.boolean(),
  seconds: z.number(),
  cpu_seconds: z.number(),
  signatures: z.number(),
  findings: z.array(z.unknown()),
  shards: z.tuple([z.object({ messages: z.number(), signed_to: z.number() })]),
});

/**
 * Events a second that `argus audit verify` verifies, each an appointment with its blob, signed by its user and by the tower, under
 * a signed head: on all cores, and with `one_core` on one.
 *
 * The limit is the slower of two: the bare client that reads the same messages, and threads that check the same number of
 * signatures and do nothing else.
 */
export const auditVerify: Figure = {
  name: 'audit-verify',
  says: `events a second, ${EVENTS / 1e6} million appointments verified by an auditor`,

  async measure(lab) {
    const stage = await lab.stage({ snapshots: false });
    const count = Math.min(EVENTS, lab.options.most);
    await stage.untilSigned();
    await stage.tower.stop();
    const height = Height.parse(await stage.chain.height());
    const nc = await stage.connectNode();
    const secret = new Uint8Array(32);
    towerKey(stage.towerKeyFile).copySecret(secret);
    const log = new SignedLog(nc, secret, height, BLOB_BYTES);
    lab.say(`putting ${count} appointments on the log, and signing them`);
    await log.register(USERS);
    await log.growTo(count);
    await stage.startTower();
    await stage.tower.untilReady();
    await stage.chain.mine(1);
    await stage.untilSigned();
    // It stays up, as it does when somebody audits it: a node makes the consumers that an auditor reads by.
    const threads = availableParallelism();
    const bare = await bareConsumeRates(await stage.connectNode(), towerStream(SHARD));
    const read = Math.max(bare.push, bare.pull);
    lab.say(`bare: ${round(read)} messages/s read`);
    // An audit of a million events takes minutes, in which the machine may become another: its limit is from before and after it.
    const surrounded = async (cores: number, threads: number) => {
      const before = await checkingRate(cores, LIMIT_SECONDS);
      const audit = await audited(stage, threads);
      const after = await checkingRate(cores, LIMIT_SECONDS);
      const checks = (before + after) / 2;
      lab.say(
        `${round(audit.rate)} events/s on ${cores} cores, ${round(audit.cpuMicros)} us each; ${round(before)} signatures/s checked before it, ${round(after)} after`,
      );
      return { ...audit, checks, turns: [round(before), round(after)] };
    };
    const all = await surrounded(threads, threads);
    const one = await surrounded(1, 0);
    const limitOf = (rate: number) => Math.min(read, rate / all.checksPerEvent);
    return {
      value: all.rate,
      unit: 'events/s',
      limit: limitOf(all.checks),
      errors: [...all.errors, ...one.errors],
      details: {
        events: all.messages,
        cores: threads,
        one_core: round(one.rate),
        one_core_limit: round(limitOf(one.checks)),
        one_core_ratio: round(one.rate / limitOf(one.checks)),
        bare_read: round(read),
        // On a machine that others are busy on this tells more than the clock does.
        cpu_us_an_event: round(all.cpuMicros),
        cpu_us_an_event_on_one_core: round(one.cpuMicros),
        cpu_us_of_checks: round((1e6 * all.checksPerEvent) / one.checks),
        checks_per_event: round(all.checksPerEvent, 2),
        checks_a_second: all.turns,
        checks_a_second_on_one_core: one.turns,
      },
    };
  },
};

async function audited(stage: Stage, threads: number) {
  const flags = ['--nats', stage.nats.url, '--nats-nkey', stage.auditorNkeyFile, '--tower', stage.towerId];
  const args = ['audit', 'verify', '--json', '--all', '--threads', String(threads), ...flags];
  const main = join(packageRoot, 'dist', 'cli', 'main.js');
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { maxBuffer: 1 << 26 });
  const said = Said.parse(JSON.parse(stdout));
  const [{ messages, signed_to: signedTo }] = said.shards;
  const errors = said.ok && signedTo === messages ? [] : [new Error(`not right: ${JSON.stringify(said.findings[0])}`)];
  const cpuMicros = (1e6 * said.cpu_seconds) / messages;
  return { cpuMicros, rate: messages / said.seconds, checksPerEvent: said.signatures / messages, messages, errors };
}
