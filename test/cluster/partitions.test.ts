import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isWhole } from '../stage/nats-servers.js';
import { Network } from '../stage/network.js';
import { ownNetwork } from '../stage/own-network.js';
import { until } from '../support/until.js';
import { cutBitcoinds } from './cut-bitcoinds.js';
import { cutNode } from './cut-node.js';
import { cutServer } from './cut-server.js';
import { Play } from './play.js';

/** A NATS server gives up a silent connection after 6 s then; a node gives up its own after 15 s in any case. */
const QUICK_PINGS = 'ping_interval: "2s"';

type Scene = (play: Play, network: Network) => Promise<void>;

const inside = await ownNetwork(fileURLToPath(import.meta.url));
if (inside.kind === 'not-here') test('network partitions', { skip: inside.why }, () => {});
if (inside.kind === 'inside')
  test('network partitions', { signal: inside.orphaned }, async (t) => {
    const network = new Network(t);
    const play = await Play.start(t, { channels: 7, natsSettings: QUICK_PINGS, network });
    const act = (what: string, scene: Scene) =>
      t.test(what, async () => {
        await scene(play, network).finally(() => network.heal());
        await play.endAct();
      });
    await act('the NATS server that leads the log hears the others no more: they go on without it', cutServer);
    await act('a node is cut off from NATS: the others go on without it, and it appends nothing stale', cutNode);
    await act('two bitcoinds mine different branches: each breach of the one that wins is punished', cutBitcoinds);
    const nc = await play.stage.connect('node');
    const isCurrent = () => isWhole(nc).catch(() => false);
    // A server that led, and has what nobody confirmed, is brought up to date in NATS's own time: a minute is not rare.
    await until('all replicas are current', isCurrent).catch(() => until('all replicas are current', isCurrent));
  });
