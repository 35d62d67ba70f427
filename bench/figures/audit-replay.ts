import type { Figure } from '../figure.js';
import { startSeconds } from '../load/audit-command.js';
import { round } from '../measure/statistics.js';
import { auditedLog, bareRates, fastest, ofTurns, rounded, TURNS } from '../stage/audited-log.js';

/**
 * Events a second that `argus audit replay` folds, from when its program is loaded until it has told the numbers and is gone.
 *
 * The limit is reading the same messages of the same server and doing nothing with them, in whichever way is the fastest: the bare
 * client's consumers (see `replay`), or the auditor's own, which asks for them by position.
 */
export const auditReplay: Figure = {
  name: 'audit-replay',
  says: 'events a second that an auditor replays, of 1 million appointments',

  async measure(lab) {
    const log = await auditedLog(lab);
    const turns = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const bare = await bareRates(log);
      const start = await startSeconds();
      const value = log.events / ((await log.command.seconds('replay', '--summary')) - start);
      turns.push({ ...bare, value, limit: fastest(bare), start });
      lab.say(`${round(value)} events/s, bare ${round(fastest(bare))}`);
    }
    return {
      ...ofTurns(turns),
      details: { events: log.events, turns: turns.map(rounded) },
    };
  },
};
