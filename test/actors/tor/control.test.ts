import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { TorControl, TorError } from '../../../actors/tor/control.js';
import { signIn } from '../../../actors/tor/sign-in.js';
import { tempDir } from '../../support/temp-dir.js';

/** What answers where a control port should be, and is none: it says `answers`, one to each line. */
async function strangerSays(t: TestContext, ...answers: (string | ((socket: Socket) => void))[]): Promise<TorControl> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => {
      const answer = answers.shift();
      if (typeof answer === 'string') socket.write(answer);
      else answer?.(socket);
    });
  }).listen(0, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return TorControl.connect({ host: '127.0.0.1', port }, 300);
}

const rejects = (promise: Promise<unknown>, reason: TorError['reason'], message: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof TorError, String(error));
    assert.equal(error.reason, reason);
    assert.match(error.message, message);
    return true;
  });

describe('what answers at a control port and is not tor', () => {
  test('is silent: that has an end', async (t) => {
    const control = await strangerSays(t);
    await rejects(control.ask('PROTOCOLINFO 1'), 'away', /is silent/);
    await control.closed;
  });

  test('says something else', async (t) => {
    const control = await strangerSays(t, 'HTTP/1.1 400 Bad Request\r\n\r\n');
    await rejects(control.ask('PROTOCOLINFO 1'), 'odd', /is not tor: it says "HTTP/);
  });

  test('says no end of it, in one line and in many', async (t) => {
    const one = await strangerSays(t, (socket) => void socket.write('250-'.padEnd(100_000, 'x')));
    await rejects(one.ask('PROTOCOLINFO 1'), 'odd', /endless lines/);
    const many = await strangerSays(t, (socket) => void socket.write('250-\r\n'.repeat(20_000)));
    await rejects(many.ask('PROTOCOLINFO 1'), 'odd', /endless lines/);
  });

  test('hangs up', async (t) => {
    const control = await strangerSays(t, (socket) => socket.destroy());
    await rejects(control.ask('PROTOCOLINFO 1'), 'away', /hung up/);
    await rejects(control.ask('PROTOCOLINFO 1'), 'away', /hung up/);
  });

  test('is not told what is in the file that it calls a cookie, nor a word that follows from a cookie it does not know', async (t) => {
    const folder = tempDir(t);
    const said = (file: string) =>
      `250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE="${file}"\r\n250 OK\r\n`;
    const other = join(folder, 'tower.key');
    writeFileSync(other, '11'.repeat(32));
    await rejects(signIn(await strangerSays(t, said(other)), undefined), 'refused', /is not tor's cookie/);
    const cookie = join(folder, 'a "cookie"');
    writeFileSync(cookie, 'c'.repeat(32));
    const challenge = `250 AUTHCHALLENGE SERVERHASH=${'00'.repeat(32)} SERVERNONCE=${'11'.repeat(32)}\r\n`;
    let more = 0;
    const control = await strangerSays(t, said(cookie.replaceAll('"', '\\"')), challenge, () => {
      more++;
    });
    await rejects(signIn(control, undefined), 'refused', /does not know the cookie/);
    assert.equal(more, 0);
    await rejects(
      signIn(await strangerSays(t, said(join(folder, 'none'))), undefined),
      'refused',
      /cannot be read.*ENOENT/,
    );
  });
});

test('a question with two lines is not sent', async (t) => {
  const control = await strangerSays(t);
  assert.throws(() => control.ask('A\r\nB'), TypeError);
});
