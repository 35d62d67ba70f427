import { setTimeout as sleep } from 'node:timers/promises';
import { TowerClient } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { Filler } from '../chain/filler.js';
import { Witness } from '../chain/witness.js';
import type { Figure, Lab, Measured } from '../figure.js';
import { bareRpc, type Call } from '../limits/by-hand.js';
import { courierOf, natsWay } from '../load/way.js';
import { median, quantile, round } from '../measure/statistics.js';
import { forAll, until } from '../measure/wait.js';
import type { Stage } from '../stage/stage.js';
import { randomAppointment, registerUsers, type User } from '../stage/users.js';

const USERS = 20;
const HELD = 2_000;
const BLOCK_TXS = 200;
/** Rounds that are not counted, but for the very first, which is what a tower that was just started does. */
const WARM_UP = 3;
/** After an answer, before the limit is measured, in ms: the tower writes its log, and bitcoind is left alone again. */
const QUIET_MS = 250;

/**
 * Milliseconds from a block to the penalty in bitcoind's mempool.
 *
 * Both ends are what bitcoind announces over ZMQ, as this process hears it. Each block holds 200 transactions, among them
 * three disputes. The tower watches for one. Afterwards, the same answer is given to the other two by hand, on the same
 * block: `getblock` and `sendrawtransaction`, once by plain HTTP, which is the limit, and once by the tower's own RPC class.
 */
export const breach: Figure = {
  name: 'breach',
  says: 'milliseconds from a block of 200 transactions to the penalty in the mempool, 2,000 appointments held',

  async measure(lab) {
    const stage = await lab.stage();
    lab.say(`handing over ${HELD} appointments`);
    const users = await registerUsers([natsWay(await stage.connectClient())], stage.towerId, USERS);
    await forAll(new Array(HELD / USERS).fill(users).flat(), 64, async (user: User) => {
      await new TowerClient(courierOf(user.way), user).addAppointment(randomAppointment(600));
    });
    const count = lab.options.rounds + WARM_UP;
    lab.say(`opening ${3 * count} channels`);
    const breaches = (await openChannels(stage.chain, 3 * count)).map((channel) => buildBreach(channel));
    const filler = await Filler.fund(stage.chain, BLOCK_TXS - 4); // a coinbase, three disputes
    const witness = new Witness(stage.bitcoind.zmqUrl);
    const bare = bareRpc(stage.bitcoind);
    try {
      await untilHearing(stage, witness);
      const rounds: Round[] = [];
      const cpu = stage.cpuSince();
      for (const [i, user] of Array.from({ length: count }, (_, i) => users[i % USERS]).entries()) {
        const [watched, byHand, byClass] = breaches.slice(3 * i);
        if (!user || !watched || !byHand || !byClass) throw new Error('too few channels could be opened');
        if (i % 10 === WARM_UP) lab.say(`round ${i - WARM_UP + 1} of ${lab.options.rounds}`);
        await new TowerClient(courierOf(user.way), user).protect(watched.disputeTxid, fromHex(watched.penaltyTx), 144);
        rounds.push(await playRound({ stage, witness, bare: bare.call, filler }, { watched, byHand, byClass }));
      }
      return report(rounds, stage, lab, cpu());
    } finally {
      witness.close();
      bare.close();
    }
  },
};

/** A subscription takes a moment; what is published before that is not heard. */
async function untilHearing(stage: Stage, witness: Witness): Promise<void> {
  await until('bitcoind is heard', async () => {
    const [hash = ''] = await stage.chain.mine();
    await sleep(50);
    return witness.hasHeardOf(hash);
  });
  await stage.untilLevel();
}

interface Round {
  readonly tower: number;
  readonly byHand: number;
  readonly byClass: number;
  /** When the block was heard of, in ms since 1970. */
  readonly blockTime: number;
  readonly height: number;
  readonly disputeTxid: string;
}

type Used = ReturnType<ReturnType<Stage['cpuSince']>>;

interface Scene {
  readonly stage: Stage;
  readonly witness: Witness;
  readonly bare: Call;
  readonly filler: Filler;
}

type Disputes = Readonly<Record<'watched' | 'byHand' | 'byClass', Breach>>;

async function playRound({ stage, witness, bare, filler }: Scene, disputes: Disputes): Promise<Round> {
  const { chain, bitcoind } = stage;
  await stage.untilLevel();
  await sleep(QUIET_MS);
  const { watched, byHand, byClass } = disputes;
  // Not by way of the mempool: so the block is the first that anybody hears of them.
  const hash = await chain.mineOnly([...filler.next(), ...Object.values(disputes).map(({ disputeTx }) => disputeTx)]);
  const block = await witness.block(hash);
  const answered = await witness.mempool(watched.penaltyTxid);
  const height = await chain.height();
  await sleep(QUIET_MS);
  const round = {
    tower: answered.at - block.at,
    byHand: await answerByHand(bare, hash, byHand, witness),
    byClass: await answerByHand((...call) => bitcoind.rpc.call(...call), hash, byClass, witness),
    blockTime: block.time,
    height,
    disputeTxid: watched.disputeTxid,
  };
  await chain.mine(); // the penalties: only one tracker at a time is unconfirmed
  return round;
}

/** What it takes at the least: read the block, find the dispute, send the penalty. Gives the milliseconds until the mempool has it. */
async function answerByHand(call: Call, hash: string, dispute: Breach, witness: Witness): Promise<number> {
  await call('getblockcount'); // so that the connection is open, as the tower's is
  const begun = performance.now();
  const block = (await call('getblock', hash, 1)) as { tx: string[] };
  if (!block.tx.includes(dispute.disputeTxid)) throw new Error('the dispute is not in the block');
  await call('sendrawtransaction', dispute.penaltyTx, 0);
  return (await witness.mempool(dispute.penaltyTxid)).at - begun;
}

function report(all: readonly Round[], { tower }: Stage, { options }: Lab, used: Used): Measured {
  const rounds = all.slice(WARM_UP);
  const of = (what: 'tower' | 'byHand' | 'byClass') => rounds.map((one) => one[what]);
  const ms = of('tower');
  return {
    value: median(ms),
    unit: 'ms',
    limit: median(of('byHand')),
    errors: [],
    details: {
      p90_ms: round(quantile(ms, 0.9)),
      worst_ms: round(Math.max(...ms)),
      first_ms: round(all[0]?.tower ?? Number.NaN),
      by_hand_worst_ms: round(Math.max(...of('byHand'))),
      by_rpc_class_ms: round(median(of('byClass'))),
      steps_ms: steps(rounds, tower.log()),
      rounds: options.rounds,
      appointments: HELD,
      block_txs: BLOCK_TXS,
      ...(used && { cores_busy_with_other_things: round(used.byOthers / used.seconds, 2) }),
      tower_complaints: tower.complaints().length,
    },
  };
}

/** When the tower says that it did what, in ms after the block, at the median; its log's clock has whole milliseconds. */
function steps(rounds: readonly Round[], log: ReturnType<Stage['tower']['log']>) {
  const after = (msg: string, of: (round: Round) => [field: string, value: unknown]) => {
    const delays = rounds.map((round) => {
      const [field, value] = of(round);
      const line = log.find((line) => line.msg === msg && line[field] === value);
      return line ? line.time - round.blockTime : Number.NaN;
    });
    return median(delays);
  };
  return {
    chain_advanced: after('chain advanced', ({ height }) => ['height', height]),
    breach_found: after('breach in a block', ({ disputeTxid }) => ['dispute', disputeTxid]),
    penalty_answered: after('penalty sent', ({ disputeTxid }) => ['dispute', disputeTxid]),
  };
}
