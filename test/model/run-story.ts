import { auditBreaches } from './audit-breaches.js';
import { auditChainLog } from './audit-chain.js';
import { auditLedger } from './audit-ledger.js';
import { auditRules } from './audit-rules.js';
import { auditStates } from './audit-states.js';
import { auditTimes } from './audit-times.js';
import { auditTrackers } from './audit-trackers.js';
import type { Story } from './commands.js';
import { happen } from './happenings.js';
import { bringToRest } from './rest.js';
import { VirtualTime } from './virtual-time.js';
import { World } from './world.js';

/** Every promise that the tower broke in a story; none, one hopes. `look` sees the world at its end. */
export async function brokenPromises({ setting, commands }: Story, look: (world: World) => void = () => {}) {
  const time = new VirtualTime();
  const real = time.install();
  try {
    const world = await World.begin(setting, time);
    for (const command of commands) await happen(world, command);
    await bringToRest(world);
    look(world);
    return [
      ...world.failures,
      ...auditLedger(world),
      ...auditBreaches(world),
      ...auditTrackers(world),
      ...auditChainLog(world),
      ...auditTimes(world),
      ...auditStates(world),
      ...auditRules(world),
    ];
  } finally {
    real();
  }
}
