import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Child, startChild } from '../../cli/servers/child.js';
import { freePorts } from '../../cli/servers/ports.js';
import { type Cleanup, tempDir } from './temp-dir.js';
import { until } from './until.js';

/** The tor that the tests are given; undefined where there is none. */
export const TOR = process.env.TOR;
export const NO_TOR = TOR === undefined && 'no tor (TOR)';

/** A real tor without a network: it has services and nobody to tell. */
export interface TestTor {
  readonly port: number;
  /** `127.0.0.1:9051`, as the settings have it. */
  readonly control: string;
  /** Its control port's socket. */
  readonly socket: string;
  readonly cookieFile: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts a tor that lets in who can read its cookie; or who knows a password, if one is given. */
export async function startTestTor(t: Cleanup, { password }: { readonly password?: string } = {}): Promise<TestTor> {
  const program = TOR ?? '';
  let child: Child | undefined;
  t.after(() => child?.stop()); // registered before the folder's removal, hence run before it
  const folder = tempDir(t);
  chmodSync(folder, 0o700);
  const [port = 0] = await freePorts(1);
  const socket = join(folder, 'socket');
  writeFileSync(join(folder, 'torrc'), '');
  const auth = password === undefined ? ['--CookieAuthentication', '1'] : hashed(program, password);
  const torrc = ['-f', join(folder, 'torrc'), '--defaults-torrc', join(folder, 'torrc'), '--DataDirectory', folder];
  const network = ['--DisableNetwork', '1', '--SocksPort', '0'];
  const control = ['--ControlPort', `127.0.0.1:${port}`, '--ControlSocket', `unix:"${socket}"`];
  const start = async () => {
    const args = [...torrc, ...network, ...control, ...auth];
    const running = await startChild({ program, args, logFile: join(folder, 'tor.log') });
    child = running;
    let isGone = false;
    void running.exited.then(() => {
      isGone = true;
    });
    await until('tor listens', async () => isGone || (await listens(port)));
    if (isGone) throw new Error(`tor does not start: ${running.tail()}`);
  };
  await start();
  return {
    port,
    control: `127.0.0.1:${port}`,
    socket,
    cookieFile: join(folder, 'control_auth_cookie'),
    start,
    stop: async () => void (await child?.stop()),
  };
}

function hashed(program: string, password: string): string[] {
  const said = execFileSync(program, ['--hash-password', password, '--quiet'], { encoding: 'utf8' });
  return ['--HashedControlPassword', /^16:[0-9A-F]+$/m.exec(said)?.[0] ?? ''];
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
