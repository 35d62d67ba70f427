import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect } from 'nats';
import { asClient, overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { towerKey } from '../../actors/secrets.js';
import { startChild } from '../../cli/servers/child.js';
import { freePorts } from '../../cli/servers/ports.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { fromHex } from '../../events/bytes.js';
import type { Txid } from '../../events/ids.js';
import { hexOf } from '../fixtures/ids.js';
import { argus, MAIN } from '../support/argus.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { argumentsOf, familyOf, obviousPlaces, timesInMemory } from '../support/process-memory.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';

const PASSPHRASE = 'a passphrase that is nowhere else';
/** Of bitcoind, and in the variable that a passphrase might be in: what the node is given, its children are not. */
const PASSWORD = 'a password for the node alone';
const skip = !existsSync('/proc/self/maps') && 'processes show themselves on Linux only';

/** A folder with a key that is encrypted, and bitcoind: all that `argus up` needs. */
async function startPlace(t: Cleanup, isEncrypted: boolean) {
  // Registered before all else, hence ended first: a folder that a node still writes in cannot be removed.
  const ends: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const end of ends.reverse()) await end();
  });
  const auth = `-rpcauth=argus:00$${createHmac('sha256', '00').update(PASSWORD).digest('hex')}`;
  const bitcoind = await startTestBitcoind(t, { extraArgs: [auth] });
  const [folder, [natsPort = 0]] = [tempDir(t), await freePorts(1)];
  const chain = new RegtestChain(bitcoind.rpc);
  await chain.mine(10);
  const [data, passphrase, log] = [join(folder, 'data'), join(folder, 'passphrase'), join(folder, 'up.log')];
  const keyFile = join(data, 'tower.key');
  const { towerId } = towerKey(keyFile);
  const secret = readFileSync(keyFile, 'utf8').trim();
  writeFileSync(passphrase, `${PASSPHRASE}\n`, { mode: 0o600 });
  const where = ['--network=regtest', `--data=${data}`];
  const byFile = [`--key-passphrase-file=${passphrase}`];
  if (isEncrypted) assert.equal((await argus(['key', 'encrypt', ...where, ...byFile])).status, 0);
  const ofBitcoind = [`--bitcoind=${bitcoind.rpcUrl}`, '--bitcoind-user=argus'];
  const args = [...where, ...byFile, ...ofBitcoind, `--zmq=${bitcoind.zmqUrl}`, `--nats-port=${natsPort}`];
  const start = async () => {
    const up = ['up', ...args, '--http=off', '--log-level=trace'];
    const env = {
      ARGUS_SNAPSHOTS_EVERY: '5',
      ARGUS_BITCOIND_POLL_SECONDS: '1',
      ARGUS_BITCOIND_PASSWORD: PASSWORD,
      ARGUS_PASSPHRASE: PASSWORD,
    };
    const child = await startChild({ program: process.execPath, args: [MAIN, ...up], logFile: log, env });
    ends.push(() => child.stop());
    let ended = false;
    void child.exited.then(() => {
      ended = true;
    });
    await until('the node is up', () => ended || child.tail(60).includes(' is up.'));
    assert.ok(!ended, child.tail());
    return child;
  };
  /** A user of the tower. */
  const newClient = async () => {
    const nc = await connect({ servers: `127.0.0.1:${natsPort}`, ...asClient() });
    ends.push(() => nc.close());
    return new TowerClient(overNats(nc), { towerId, secretKey: secretKey(), timeoutMs: 20_000 });
  };
  const env = { ARGUS_NATS_PORT: String(natsPort), ARGUS_NATS_URL: `nats://127.0.0.1:${natsPort}` };
  return { data, log, env, towerId, secret, where, start, newClient, bitcoind, chain };
}

/** A key as it might be written somewhere, but for its bytes. */
function textsOf(secret: string): Buffer[] {
  const raw = Buffer.from(fromHex(secret));
  const base64 = [raw.toString('base64url'), raw.toString('base64').slice(0, 40)];
  return [secret, secret.toUpperCase(), ...base64].map((text) => Buffer.from(text));
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

async function addSome(client: TowerClient, count: number): Promise<void> {
  for (let n = 0; n < count; n++)
    await client.protect(hexOf(`dispute ${n}`, 32) as Txid, new Uint8Array(200).fill(n), 144);
}

describe("the tower's key", { skip }, () => {
  test("is in no log, stream, file, argument, environment or answer in all of a tower's life", async (t) => {
    const place = await startPlace(t, true);
    const seen: Buffer[] = [];
    const ofChildren: Buffer[] = [];
    const kinds = new Set<string>();
    const up = await place.start();
    const ofNode = Buffer.from(argumentsOf(up.pid));
    const looking = setInterval(() => {
      for (const pid of familyOf(up.pid)) {
        const places = obviousPlaces(pid);
        // Between fork and exec a child is the node once more, with all that the node shows.
        const isNode = places.subarray(0, ofNode.length).equals(ofNode);
        if (pid !== up.pid && !isNode) ofChildren.push(places);
        for (const kind of ['nats-server', 'maker.js', 'main.js']) if (places.includes(kind)) kinds.add(kind);
        if (!seen.some((known) => known.equals(places))) seen.push(places);
      }
    }, 10);
    t.after(() => clearInterval(looking));
    const client = await place.newClient();
    await until('registered', () => client.register().catch(() => undefined));
    await addSome(client, 12);
    await until('a snapshot is made', () => readFileSync(place.log, 'utf8').includes('a snapshot is made'));
    await assert.rejects(client.getAppointment('00'.repeat(16) as Parameters<TowerClient['getAppointment']>[0]));
    await place.bitcoind.stop();
    await until('bitcoind is missed', () => /bitcoind/i.test(errorsIn(place.log)));
    const asked = [];
    for (const what of [['key', 'show'], ['info'], ['users'], ['init'], ['up'], ['key', 'export'], ['key', 'decrypt']])
      asked.push(await argus([...what, ...place.where], { env: { ARGUS_LOG_LEVEL: 'trace', ...place.env } }));
    clearInterval(looking);
    assert.deepEqual(await up.stop(), { code: 0, signal: null });

    assert.deepEqual([...kinds].sort(), ['main.js', 'maker.js', 'nats-server'], 'all kinds of processes were seen');
    assert.ok(
      seen.some((places) => places.includes(PASSWORD)),
      'the node was given it',
    );
    assert.ok(ofChildren.length > 0 && !ofChildren.some((places) => places.includes(PASSWORD)));
    const files = [...filesBelow(place.data), place.log].map((file) => readFileSync(file));
    const written = [...files, ...seen, Buffer.from(JSON.stringify(asked))];
    const has = (what: Buffer) => written.some((bytes) => bytes.includes(what));
    for (const known of [place.towerId, client.userId]) assert.ok(has(Buffer.from(known)), `${known} is found`);
    for (const shape of [...textsOf(place.secret), Buffer.from(fromHex(place.secret)), Buffer.from(PASSPHRASE)])
      assert.ok(!has(shape), `it was written: ${shape}`);
  });

  for (const isEncrypted of [false, true])
    test(`is in a node's memory where it signs, and nowhere as text (${isEncrypted ? '' : 'not '}encrypted)`, async (t) => {
      const place = await startPlace(t, isEncrypted);
      const up = await place.start();
      const client = await place.newClient();
      await until('registered', () => client.register().catch(() => undefined));
      await addSome(client, 3);
      up.kill('SIGSTOP');
      const [raw, known, ...texts] = timesInMemory(up.pid, [
        Buffer.from(fromHex(place.secret)),
        Buffer.from(place.towerId),
        ...textsOf(place.secret),
      ]);
      up.kill('SIGCONT');
      t.diagnostic(JSON.stringify({ raw, known, texts }));
      assert.ok((known ?? 0) > 0, 'what is there is found');
      assert.deepEqual(texts, [0, 0, 0, 0]);
      assert.equal(raw, 2, 'one for the node, one for the threads that sign');
    });
});

/** Warnings and errors in a node's log. */
const errorsIn = (log: string): string =>
  readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => /"level":[45]0/.test(line))
    .join('\n');
