import { TowerRefusedError } from '../../actors/client/errors.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import type { Shard } from '../../events/ids.js';
import { HeadStore } from '../../events/log/heads.js';
import { EventLog } from '../../events/log/log.js';
import type { Evidence } from '../../events/proofs/appointment-proof.js';
import type { Figure } from '../figure.js';
import { courierOf, natsWay } from '../load/way.js';
import { median, quantile, round } from '../measure/statistics.js';
import { until } from '../measure/wait.js';
import { LongLog } from '../stage/long-log.js';
import { randomAppointment, registerUsers } from '../stage/users.js';

const SHARD = 0 as Shard;
const LEAVES = 1_000_000;
const HOLDERS = 1_000;
const PROOFS = 300;
const HASHED_MS = 600_000;

/**
 * How long a user waits for the proof that its appointment is among a million commits of the signed log, and that the log
 * only grew since a head that it had before: by NATS, signed, verified.
 *
 * The limit is what reading the head and the commit from the log takes the bare client, one after the other.
 */
export const auditProof: Figure = {
  name: 'audit-proof',
  says: `ms until a user has verified a proof, of ${LEAVES} leaves`,

  async measure(lab) {
    const leaves = Math.min(LEAVES, lab.options.most);
    const stage = await lab.stage();
    const [user] = await registerUsers([natsWay(await stage.connectClient())], stage.towerId, 1);
    if (!user) throw new TypeError('there is no user');
    const client = new TowerClient(courierOf(user.way), user);
    const receipt = await client.addAppointment(randomAppointment(600));
    await stage.chain.mine(1);
    const first = await signedProof(client, receipt, 1);
    const nc = await stage.connectNode();
    const long = new LongLog(nc);
    await long.register(HOLDERS);
    lab.say(`putting ${leaves} commits on the log`);
    await stage.tower.stop();
    await long.growTo(leaves);
    await stage.startTower();
    await stage.tower.untilReady();
    await stage.chain.mine(1);
    const { proof } = await signedProof(client, receipt, leaves);
    lab.say('the log is hashed and signed');
    const times: number[] = [];
    const bare: number[] = [];
    const log = await EventLog.open(nc);
    const heads = new HeadStore(log);
    for (let i = 0; i < PROOFS; i++) {
      times.push(await timed(() => client.getProof(receipt, first.proof.head)));
      bare.push(await timed(async () => [await heads.last(SHARD), await log.bytesAt(proof.position, SHARD)]));
    }
    return {
      value: median(times),
      unit: 'ms',
      limit: median(bare),
      errors: [],
      details: {
        leaves: proof.head.treeSize,
        p99_ms: round(quantile(times, 0.99)),
        limit_p99_ms: round(quantile(bare, 0.99)),
        inclusion_hashes: proof.inclusion.length,
        tower_complaints: stage.tower.complaints().length,
      },
    };
  },
};

/** A proof under a head over at least so many. */
function signedProof(client: TowerClient, receipt: Evidence['receipt'], size: number): Promise<Evidence> {
  const look = async () => {
    const found = await client.getProof(receipt).catch((error) => {
      if (error instanceof TowerRefusedError) return undefined;
      throw error;
    });
    return found && found.proof.head.treeSize >= size ? found : undefined;
  };
  return until(`a head over ${size}`, look, HASHED_MS);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
