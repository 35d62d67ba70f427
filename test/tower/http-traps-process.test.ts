import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { packageRoot } from '../../actors/package-root.js';
import { towerKey } from '../../actors/secrets.js';
import { freePorts } from '../../cli/servers/ports.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { startTestNats } from '../support/nats.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { clients, conclude, objectIn } from '../support/teos-clients.js';
import { newPlugin, describe as show } from '../support/teos-plugins.js';
import { anAppointment, bytesOf, type Came, call, openLine } from '../support/teos-requests.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';

/** A real `argus up` that is ended while it answers. */

async function startProcess(t: Cleanup) {
  const [nats, bitcoind, [port]] = await Promise.all([startTestNats(t), startTestBitcoind(t), freePorts(1)]);
  const data = tempDir(t);
  const nkey = join(data, 'node.nkey');
  writeFileSync(nkey, nats.nodeSeed, { mode: 0o600 });
  const url = `http://127.0.0.1:${port}`;
  const args = ['--network', 'regtest', '--data', data, '--nats', nats.url, '--http', `127.0.0.1:${port}`];
  const chain = ['--bitcoind', bitcoind.rpcUrl, '--bitcoind-cookie', bitcoind.cookieFile, '--zmq', bitcoind.zmqUrl];
  const env = { ...process.env, ARGUS_DATA: undefined, ARGUS_NETWORK: undefined, ARGUS_NATS_NKEY_FILE: nkey };
  const start = async () => {
    const child = spawn(process.execPath, [join(packageRoot, 'dist', 'cli', 'main.js'), 'up', ...args, ...chain], {
      env,
    });
    t.after(() => void child.kill('SIGKILL'));
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.resume();
    const exited = new Promise<number | null>((resolve) => void child.on('exit', resolve));
    await until('argus is up', () => out.includes(' is up.'));
    return { end: (signal: NodeJS.Signals) => child.kill(signal), exited };
  };
  const first = await start();
  return { nats, url, start, first, towerId: towerKey(join(data, 'tower.key')).towerId };
}

const slotsIn = (came: Came) => came.kind === 'answer' && objectIn(came.body)?.available_slots;
const receiptIn = (came: Came) => came.kind === 'answer' && objectIn(came.body)?.signature;

describe('argus up', () => {
  test('is told to stop while its log hangs and a queue of requests waits for it: each is answered before it ends', async (t) => {
    const { nats, url, towerId, first, start } = await startProcess(t);
    for (const kind of ['rustPlugin', 'pythonPlugin'] as const) {
      const node = kind === 'rustPlugin' ? first : await start();
      const client = clients[kind];
      const plugin = newPlugin(kind, { url: () => url, towerId, secret: secretKey() });
      await until('registered', () => plugin.register());
      nats.child.kill('SIGSTOP');
      const asked = Array.from({ length: 5 }, (_, n) => plugin.asker.add(anAppointment(String(n))));
      const lines = asked.map((add) => {
        const line = openLine(url);
        line.socket.write(bytesOf(client.dialect, '/add_appointment', url, add));
        return line;
      });
      await until('they are connected', () => lines.every(({ socket }) => !socket.connecting));
      node.end('SIGTERM');
      const kept = kind === 'rustPlugin' ? 'subscription error' : 'temporarily unreachable';
      for (const [n, came] of (await Promise.all(lines.map(({ came }) => came))).entries())
        assert.equal(conclude(client, came, { towerId, signature: asked[n]?.signature ?? '' }), kept, show(came));
      assert.equal(await node.exited, 0);
      nats.child.kill('SIGCONT');
    }
  });

  test('is killed between commit and receipt: the retry gets the receipt, and pays once', async (t) => {
    const { nats, url, towerId, first, start } = await startProcess(t);
    const plugin = newPlugin('rustPlugin', { url: () => url, towerId, secret: secretKey() });
    await until('registered', () => plugin.register());
    const before = slotsIn(await call('rust', url, '/get_subscription_info', plugin.asker.subscription()));
    const log = await nats.connect('node');
    const commits = log.subscribe(`argus.*.user.${plugin.asker.userId}`, { max: 1, timeout: 30_000 });
    await log.flush();
    const asked = plugin.asker.add(anAppointment('1'));
    // As a plugin does: a machine that is short of time may have it refused, with nothing on the log.
    const asking = setInterval(() => void call('rust', url, '/add_appointment', asked), 3_000);
    t.after(() => clearInterval(asking));
    void call('rust', url, '/add_appointment', asked);
    for await (const _ of commits) first.end('SIGKILL');
    clearInterval(asking);
    await first.exited;
    assert.equal((await call('rust', url, '/ping', {})).kind, 'refused');
    await start();
    const again = await call('rust', url, '/add_appointment', asked);
    assert.equal(conclude(clients.rustPlugin, again, { towerId, signature: asked.signature }), 'accepted', show(again));
    assert.equal(slotsIn(again), Number(before) - 1);
    const oncemore = await call('rust', url, '/add_appointment', asked);
    assert.deepEqual([receiptIn(oncemore), slotsIn(oncemore)], [receiptIn(again), slotsIn(again)]);
  });
});
