import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { deliver } from '../../../cli/alert/deliver.js';
import { buildBreach, openChannels } from '../../../cli/demo/channel.js';
import { startChild } from '../../../cli/servers/child.js';
import { freePorts } from '../../../cli/servers/ports.js';
import { fromHex } from '../../../events/bytes.js';
import { argus, MAIN } from '../../support/argus.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';
import { startTestTower } from '../../support/tower.js';
import { until } from '../../support/until.js';
import { whereaboutsOf } from '../../support/whereabouts.js';

interface Heard {
  readonly kind: string;
  readonly text: string;
  readonly tracker?: { readonly dispute_txid: string };
}

/** A web server that hears alerts, and refuses the first `refusals` of them. */
async function startHook(t: Cleanup, refusals = 0): Promise<{ readonly url: string; readonly heard: Heard[] }> {
  const heard: Heard[] = [];
  let asked = 0;
  const server = createServer(async (request, response) => {
    const body = await text(request);
    asked++;
    if (asked > refusals) heard.push(JSON.parse(body));
    response.writeHead(asked > refusals ? 204 : 503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/alert`, heard };
}

function writeProgram(folder: string, lines: string): string {
  const program = join(folder, 'hook.sh');
  writeFileSync(program, `#!/bin/sh\n${lines}\n`);
  chmodSync(program, 0o755);
  return program;
}

test('a breach, a lost bitcoind, a lost node and a lost tower are told by webhook and by command', async (t) => {
  const tower = await startTestTower(t);
  await tower.startNode('two');
  const [channel = assert.fail()] = await openChannels(tower.chain, 1);
  const breach = buildBreach(channel);
  const client = await tower.newClient();
  await client.register();
  await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  const { url, heard } = await startHook(t);
  const folder = tempDir(t);
  const out = join(folder, 'out');
  const program = writeProgram(folder, `echo "$ARGUS_ALERT_KIND $ARGUS_ALERT_TEXT" >> '${out}'; cat >> '${out}'`);
  const { where } = whereaboutsOf(t, tower.nats);
  const args = [
    MAIN,
    'alert',
    ...where,
    '--every',
    '1',
    '--nodes',
    'one,two',
    '--webhook',
    url,
    '--command',
    program,
    '--json',
  ];
  const logFile = join(folder, 'log');
  const child = await startChild({ program: process.execPath, args, logFile, env: {} });
  t.after(() => child.stop());
  const isTold = (kind: string, words: RegExp) =>
    until(`${kind} ${words}`, () => heard.find((alert) => alert.kind === kind && words.test(alert.text)));

  // It was told of both nodes, so it misses one that it may never have seen; and when it tells of that, it has looked.
  await tower.stopNode();
  await isTold('trouble', /^node one is gone$/);
  await tower.restartNode();
  await isTold('over', /^node one is gone$/);
  await tower.chain.mineOnly([breach.disputeTx]);
  const { tracker } = await isTold('breach', /^breach of appointment /);
  assert.equal(tracker?.dispute_txid, breach.disputeTxid);
  await tower.bitcoind.stop();
  await isTold('trouble', /^bitcoind of node one does not answer$/);
  await tower.nats.stop();
  await isTold('trouble', /^the tower cannot be asked: /);
  assert.deepEqual(await child.stop(), { code: 0, signal: null });
  assert.match(readFileSync(out, 'utf8'), /^breach breach of appointment [0-9a-f]{40}: dispute /m);
  assert.match(readFileSync(out, 'utf8'), /"kind":"breach"/);
});

test('an alert is tried again, and who cannot be told is named', async (t) => {
  const alert = { kind: 'trouble', text: 'a test; `touch no-shell`' };
  const folder = tempDir(t);
  const { url, heard } = await startHook(t, 1);
  assert.deepEqual(await deliver({ webhook: url }, alert), []);
  assert.deepEqual(heard, [alert]);
  const [port] = await freePorts(1);
  const failed = await deliver({ webhook: `http://127.0.0.1:${port}`, command: writeProgram(folder, 'exit 3') }, alert);
  assert.deepEqual(
    failed.map(({ way }) => way),
    ['webhook', 'command'],
  );
  assert.match(failed[0]?.why ?? '', /ECONNREFUSED/);
  assert.match(failed[1]?.why ?? '', /exit status was 3/);
  const [absent] = await deliver({ command: join(folder, 'none') }, alert);
  assert.match(absent?.why ?? '', /ENOENT/);
  assert.equal(existsSync('no-shell'), false);
});

test('what is given wrongly is said before anybody is asked', async () => {
  for (const [flags, words] of [
    [['--webhook', 'ftp://x'], /--webhook: not a http/],
    [['--every', '0'], /--every takes a whole number from 1 up to 3600/],
  ] as const) {
    const { status, stderr } = await argus(['alert', ...flags]);
    assert.equal(status, 2);
    assert.match(stderr, words);
  }
});
