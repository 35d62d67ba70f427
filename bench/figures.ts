import type { Figure } from './figure.js';
import { auditExport } from './figures/audit-export.js';
import { auditProof } from './figures/audit-proof.js';
import { auditReplay } from './figures/audit-replay.js';
import { auditVerify } from './figures/audit-verify.js';
import { breach } from './figures/breach.js';
import { breachGrowth } from './figures/breach-growth.js';
import { breachMempool } from './figures/breach-mempool.js';
import { catchUp } from './figures/catch-up.js';
import { cluster } from './figures/cluster.js';
import { flood } from './figures/flood.js';
import { http } from './figures/http.js';
import { ingest } from './figures/ingest.js';
import { ingestOneUser } from './figures/ingest-one-user.js';
import { logCost } from './figures/log-cost.js';
import { memory } from './figures/memory.js';
import { replay } from './figures/replay.js';
import { restart } from './figures/restart.js';

/** Every figure there is, in the order in which they are measured. */
export const figures: readonly Figure[] = [
  ingest,
  ingestOneUser,
  http,
  breach,
  breachGrowth,
  breachMempool,
  flood,
  memory,
  logCost,
  replay,
  restart,
  catchUp,
  cluster,
  auditProof,
  auditReplay,
  auditExport,
  auditVerify,
];
