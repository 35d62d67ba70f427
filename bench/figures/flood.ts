import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure, Measured } from '../figure.js';
import { Flood, type FloodTold, type FloodWay } from '../load/flood.js';
import { floodRequests } from '../load/flood-requests.js';
import { natsWay } from '../load/way.js';
import { median, quantile, round } from '../measure/statistics.js';
import { BLOCK_TXS, BREACHES } from '../stage/breach-rounds.js';
import { type FloodRound, FloodRounds } from '../stage/flood-rounds.js';
import type { Stage } from '../stage/stage.js';
import { registerUsers } from '../stage/users.js';

const USERS = 256;
const REQUESTS = 6_000;
/** Rounds that are not counted. */
const WARM_UP = 3;
/** Of the rounds asked for, each kind of time gets a quarter. */
const KINDS = 4;
/** How long a flood has gone on when the first of its blocks comes, in ms: queues are full, doors that close are closed. */
const LEAD_MS = 2_000;
/** What a tower may take to be itself again, in ms. */
const CALM_MS = 3_000;

/**
 * Milliseconds from a block's arrival until the last of its ten penalties is in bitcoind's mempool, while the doors are flooded:
 * over NATS, over HTTP, over both, by a process each, which sends as fast as it is let. The worst of the three medians counts;
 * the limit is the same without a flood, in the same run.
 *
 * Flooders from elsewhere would take no processor of the tower's machine, but these do, as does nats-server for them. So each
 * block is also answered by hand, under the same flood: what that takes longer than without one is not the tower's.
 */
export const flood: Figure = {
  name: 'flood',
  says: `milliseconds from a block of ${BLOCK_TXS} transactions to its ${BREACHES} penalties in the mempool, doors flooded; the limit is without a flood`,

  async measure(lab) {
    const stage = await lab.stage({ clientsNats: true });
    const each = Math.max(2, Math.round(lab.options.rounds / KINDS));
    const users = await registerUsers([natsWay(await stage.connectClient())], stage.towerId, USERS);
    lab.say('signing what floods consist of');
    const requests = await floodRequests(users, stage.towerId, REQUESTS);
    const count = KINDS * each + WARM_UP;
    lab.say(`opening ${2 * BREACHES * count} channels`);
    const rounds = await FloodRounds.prepare(stage, users, count);
    const floods: Flood[] = [];
    const under = async (...ways: FloodWay[]): Promise<Kind> => {
      lab.say(`${each} blocks, ${ways.length === 0 ? 'no flood' : `a flood over ${ways.join(' and ')}`}`);
      for (const way of ways) floods.push(new Flood(way, portOf(stage, way), stage.folder, requests));
      if (ways.length > 0) await sleep(LEAD_MS);
      const cpu = stage.cpuSince();
      const played: FloodRound[] = [];
      while (played.length < each) played.push(await rounds.play());
      const used = cpu();
      const told = await Promise.all(floods.splice(0).map((one) => one.stop()));
      if (ways.length > 0) await sleep(CALM_MS);
      return { played, told, used };
    };
    try {
      for (let i = 0; i < WARM_UP; i++) await rounds.play();
      const kinds = {
        idle: await under(),
        nats: await under('nats'),
        http: await under('http'),
        both: await under('nats', 'http'),
      };
      return report(kinds, stage);
    } finally {
      for (const one of floods.splice(0)) await one.stop();
      rounds.close();
    }
  },
};

const portOf = ({ clientsNats, httpUrl }: Stage, way: FloodWay): number =>
  Number(new URL(way === 'nats' ? clientsNats.url : httpUrl).port);

/** What was measured while there was a flood of one kind, or none. */
interface Kind {
  readonly played: readonly FloodRound[];
  readonly told: readonly FloodTold[];
  readonly used: ReturnType<ReturnType<Stage['cpuSince']>>;
}

/** The log tells it of some blocks only: the same line is not written too often. */
function told(times: readonly number[]): number | undefined {
  const known = times.filter(Number.isFinite);
  return known.length === 0 ? undefined : round(median(known));
}

function report({ idle, ...floods }: Record<'idle' | 'nats' | 'http' | 'both', Kind>, { tower }: Stage): Measured {
  const towerMs = ({ played }: Kind) => median(played.map(({ tower }) => tower));
  const byHandMs = ({ played }: Kind) => median(played.map(({ byHand }) => byHand));
  const limit = towerMs(idle);
  const kinds = Object.entries({ idle, ...floods }).map(([name, kind]) => {
    const all = kind.played.map(({ tower }) => tower);
    const seconds = kind.used?.seconds ?? 0;
    return [
      name,
      {
        tower_ms: round(towerMs(kind)),
        tower_p90_ms: round(quantile(all, 0.9)),
        tower_worst_ms: round(Math.max(...all)),
        found_ms: told(kind.played.map(({ found }) => found)),
        sent_ms: told(kind.played.map(({ sent }) => sent)),
        on_log_ms: round(median(kind.played.map(({ taken }) => taken))),
        by_hand_ms: round(byHandMs(kind)),
        ratio: round(towerMs(kind) / limit),
        by_hand_ratio: round(byHandMs(kind) / byHandMs(idle)),
        ...(kind.used && {
          tower_cores: round(kind.used.by.tower / seconds, 2),
          nats_cores: round(kind.used.by.nats / seconds, 2),
          clients_nats_cores: round((kind.used.by.clients ?? 0) / seconds, 2),
        }),
        floods: kind.told.map((one) => ({
          sent_per_s: round(one.requests / one.seconds),
          answered_per_s: round(one.answers / one.seconds),
          refused_per_s: round(one.later / one.seconds),
          connections: one.connections,
          refused: one.refused,
          broken: one.broken,
        })),
      },
    ];
  });
  return {
    value: Math.max(...Object.values(floods).map(towerMs)),
    unit: 'ms',
    limit,
    errors: [],
    details: {
      ...Object.fromEntries(kinds),
      blocks_each: idle.played.length,
      requests: REQUESTS,
      tower_complaints: tower.complaints().length,
    },
  };
}
