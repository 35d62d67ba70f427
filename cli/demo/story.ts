import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';
import { z } from 'zod';
import { TowerRefusedError } from '../../actors/client/errors.js';
import { overHttp } from '../../actors/client/http-courier.js';
import { asClient, overNats } from '../../actors/client/nats-courier.js';
import { type AppointmentReceipt, TowerClient } from '../../actors/client/tower-client.js';
import { InfoAnswer, publicSubjects } from '../../actors/wire.js';
import { fromHex } from '../../events/bytes.js';
import { type BlockHash, TowerId } from '../../events/ids.js';
import { connectLog } from '../../events/log/connection.js';
import { EventLog } from '../../events/log/log.js';
import { appointmentId } from '../../events/signing/appointment.js';
import { RegtestChain } from '../servers/regtest-chain.js';
import { type Breach, buildBreach, openChannels } from './channel.js';
import { type HistoryEntry, historyOf } from './history.js';
import { chapter, done, drama, now, say } from './narrator.js';
import { Observer } from './observer.js';
import type { Stage, Tower } from './stage.js';

/** What the demo proves, all of it read from the chain or the log. */
export interface Proof {
  readonly ok: boolean;
  readonly block_to_broadcast_ms: number;
  readonly dispute_txid: string;
  readonly penalty_txid: string;
  readonly penalty_confirmations: number;
  readonly tower_killed: number;
  readonly events: number;
}

/** The tower's whole job on a real chain: from a registration to a penalty buried under 100 blocks. Rejects if any of it does not happen. */
export async function tellStory(stage: Stage, http: boolean): Promise<Proof> {
  const chain = new RegtestChain(stage.bitcoind.rpc);
  const observer = new Observer(stage.bitcoind.zmqUrl);
  const nc = await connect({ servers: stage.nats.url });
  const story = new Story(stage, chain, observer, nc, http);
  try {
    await chain.mine(110);
    done(`nats-server with nats.conf at ${stage.nats.url}`);
    done(`bitcoind on regtest at ${stage.bitcoind.rpcUrl}, height ${await chain.height()}`);
    return await story.tell();
  } finally {
    observer.close();
    await story.end();
    await nc.close();
  }
}

class Story {
  #kills = 0;
  #client: NatsConnection | undefined;

  constructor(
    private readonly stage: Stage,
    private readonly chain: RegtestChain,
    private readonly observer: Observer,
    /** Of nobody, who may ask what the tower says of itself. */
    private readonly nc: NatsConnection,
    /** Whether the client comes over HTTP, as existing TEOS clients do; else over NATS. */
    private readonly http: boolean,
  ) {}

  async tell(): Promise<Proof> {
    chapter('A tower starts');
    const tower = await this.stage.startTower();
    now(tower.command);
    const { tower_id: id } = await this.#untilReady(tower);
    done(`tower ${id}`);

    chapter('A client entrusts it with a penalty');
    const courier = this.http ? overHttp(this.stage.httpUrl) : overNats(await this.#connectClient());
    const client = new TowerClient(courier, { towerId: TowerId.parse(id), secretKey: new Uint8Array(randomBytes(32)) });
    if (this.http) now(`POST ${this.stage.httpUrl}/register, /add_appointment ...`);
    const { breach, receipt } = await this.#prepare(client);

    chapter('The client is cheated: a revoked state is published and mined');
    const ms = await this.#cheat(breach);

    chapter('The tower is killed before the penalty confirms');
    const penaltyBlock = await this.#killAndBury(tower, client, receipt);

    chapter('What the log says of it');
    const history = await this.#readLog(client, receipt);
    return this.#prove(breach, penaltyBlock, ms, history);
  }

  async #connectClient(): Promise<NatsConnection> {
    this.#client = await connect({ servers: this.stage.nats.url, ...asClient() });
    return this.#client;
  }

  async end(): Promise<void> {
    await this.#client?.close();
  }

  async #untilReady(tower: Tower): Promise<InfoAnswer> {
    return until('the tower answers', async () => {
      const exit = await Promise.race([tower.child.exited, sleep(0)]);
      if (exit) throw new Error(`the tower ended (${exit.code ?? exit.signal}):\n${tower.child.tail()}`);
      return this.#infoAtTip();
    });
  }

  /** What the tower says of itself, once it is at bitcoind's height. */
  async #infoAtTip(): Promise<InfoAnswer | undefined> {
    const answer = await this.nc.request(publicSubjects.info, '{}', { timeout: 500 }).catch(() => undefined);
    const info = answer && InfoAnswer.parse(answer.json());
    return info?.height === (await this.chain.height()) ? info : undefined;
  }

  async #prepare(client: TowerClient): Promise<{ breach: Breach; receipt: AppointmentReceipt }> {
    const registration = await client.register();
    done(
      `user ${client.userId.slice(0, 16)}... registered: ${registration.available_slots} slots until height ` +
        `${registration.subscription_expiry}; receipt signature verified`,
    );
    const [channel] = await openChannels(this.chain, 1);
    if (!channel) throw new Error('no channel could be opened');
    const breach = buildBreach(channel);
    done(`a channel is funded; its revoked state would be ${breach.disputeTxid}`);
    await until('the tower is at the tip', () => this.#infoAtTip());
    const receipt = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    done(
      `penalty sealed and sent: locator ${receipt.locator}, watched from block ${receipt.startBlock}; receipt verified`,
    );
    const { status } = await client.getAppointment(receipt.locator);
    if (status !== 'being_watched') throw new Error(`the appointment is ${status}`);
    return { breach, receipt };
  }

  /** Gives the milliseconds from the block's announcement to the penalty's arrival in bitcoind's mempool. */
  async #cheat(breach: Breach): Promise<number> {
    await this.chain.send(breach.disputeTx);
    const [block] = await this.chain.mine();
    if (!block) throw new Error('no block was mined');
    drama(`the dispute is in block ${block}`);
    const broadcast = await until('the penalty is in the mempool', () => this.observer.seen(breach.penaltyTxid));
    const announced = await until('the block is announced', () => this.observer.seen(block));
    const ms = Math.round(10 * (broadcast - announced)) / 10;
    done(`penalty ${breach.penaltyTxid} is in bitcoind's mempool, ${ms} ms after the block`);
    return ms;
  }

  async #killAndBury(tower: Tower, client: TowerClient, receipt: AppointmentReceipt): Promise<BlockHash> {
    tower.child.kill('SIGKILL');
    await tower.child.exited;
    this.#kills++;
    drama(`kill -9 ${tower.child.pid}: the tower is gone`);
    const [block] = await this.chain.mine();
    if (!block) throw new Error('no block was mined');
    now(`the penalty is mined meanwhile, in block ${block}`);
    const again = await this.stage.startTower();
    now('the tower is started again, with the same command');
    await this.#untilReady(again);
    done('the tower is back: it replayed its log and went on');
    await until('the tower knows that its penalty was mined', async () => {
      const { status } = await client.getAppointment(receipt.locator);
      return status === 'dispute_responded';
    });
    now('99 more blocks are mined');
    await this.chain.mine(99);
    await until('the penalty is irrevocable and the appointment over', () => isOver(client, receipt));
    done('100 blocks: the penalty is irrevocable, the slot is given back');
    return block;
  }

  async #readLog(client: TowerClient, receipt: AppointmentReceipt): Promise<HistoryEntry[]> {
    const nc = await connectLog({ servers: this.stage.nats.url, seed: this.stage.nodeSeed, name: 'argus demo' });
    try {
      const id = appointmentId(receipt.locator, client.userId);
      const history = await historyOf(await EventLog.open(nc), client.userId, id);
      for (const { position, time, type, says } of history)
        say(`  ${String(position).padStart(4)}  ${time}  ${type.padEnd(20)}  ${says}`);
      return history;
    } finally {
      await nc.close();
    }
  }

  async #prove(breach: Breach, block: BlockHash, ms: number, history: readonly HistoryEntry[]): Promise<Proof> {
    const Block = z.object({ confirmations: z.number(), tx: z.array(z.string()) });
    const mined = Block.parse(await this.stage.bitcoind.rpc.call('getblock', block, 1));
    const types = new Set(history.map(({ type }) => type));
    const missing = LIFE.filter((type) => !types.has(type));
    const isBuried = mined.tx.includes(breach.penaltyTxid) && mined.confirmations >= 100;
    if (missing.length > 0) throw new Error(`the log lacks ${missing.join(', ')}`);
    if (!isBuried) throw new Error('the penalty is not buried');
    return {
      ok: true,
      block_to_broadcast_ms: ms,
      dispute_txid: breach.disputeTxid,
      penalty_txid: breach.penaltyTxid,
      penalty_confirmations: mined.confirmations,
      tower_killed: this.#kills,
      events: history.length,
    };
  }
}

/** What the log of a punished breach must hold. */
const LIFE = [
  'UserRegistered',
  'AppointmentAccepted',
  'BreachDetected',
  'PenaltyBroadcast',
  'PenaltyConfirmed',
  'PenaltyIrrevocable',
  'AppointmentEnded',
];

async function isOver(client: TowerClient, { locator }: AppointmentReceipt): Promise<boolean> {
  try {
    await client.getAppointment(locator);
    return false;
  } catch (error) {
    if (error instanceof TowerRefusedError && error.reason === 'appointment-not-found') return true;
    throw error;
  }
}

const PATIENCE_MS = 30_000;

async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(25)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`waited ${PATIENCE_MS / 1000} s in vain: ${what}`);
}
