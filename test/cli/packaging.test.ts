import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { packageRoot } from '../../actors/package-root.js';
import { findServer } from '../../cli/servers/find.js';
import { freePorts } from '../../cli/servers/ports.js';
import { tempDir } from '../support/temp-dir.js';

const PACKAGING = join(packageRoot, 'docs', 'packaging');
const unit = readFileSync(join(PACKAGING, 'argus.service'), 'utf8');
const container = readFileSync(join(PACKAGING, 'Containerfile'), 'utf8');

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('the unit for systemd', () => {
  test('is one that systemd takes, and that it calls safe', { skip: !hasAnalyze && 'no systemd-analyze' }, (t) => {
    const file = join(tempDir(t), 'argus.service');
    // systemd looks whether the program is there.
    writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('argus.service'));
    assert.deepEqual([status, about], [0, []]);
    const said = execFileSync('systemd-analyze', ['security', '--offline=true', file], { encoding: 'utf8' });
    const [, exposure = '10'] = /exposure level for argus\.service: (\d+\.\d+)/.exec(said) ?? [];
    assert.ok(Number(exposure) < 2, exposure);
  });

  test('says what docs/security.md asks for', () => {
    for (const line of [
      'LimitCORE=0',
      'ProtectSystem=strict',
      'StateDirectoryMode=0700',
      'UMask=0077',
      'Restart=on-failure',
    ])
      assert.ok(unit.split('\n').includes(line), line);
  });
});

const Lock = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) });

describe('the container', () => {
  test('is not the root user, installs what the lock file says, runs no scripts of packages, and has a health check', () => {
    const last = container.slice(container.lastIndexOf('\nFROM '));
    assert.match(last, /\nUSER argus\n/);
    assert.match(last, /\nHEALTHCHECK [\s\S]*\/health/);
    assert.match(container, /\nRUN npm ci --ignore-scripts\n/);
    assert.doesNotMatch(container, /npm (install|i) /);
  });

  test('has all that a node needs in the files that it copies, and nothing that is for developers', async (t) => {
    const root = join(tempDir(t), 'opt');
    const copied = [...container.matchAll(/^COPY --from=build (.+) (\S+)$/gm)].flatMap(([, from = '']) =>
      from.split(' '),
    );
    assert.ok(copied.length > 5);
    for (const path of copied.map((name) => name.replace('/opt/argus/', '')).filter((name) => name !== 'node_modules'))
      cpSync(join(packageRoot, path), join(root, path), {
        recursive: true,
        filter: (name) => !/\/dist\/(test|bench)(\/|$)/.test(name),
      });
    linkPackages(root);
    const main = join(root, 'dist', 'cli', 'main.js');
    const env = { PATH: process.env.PATH, HOME: root, NATS_SERVER: findServer('nats-server') };
    const run = (...args: string[]) => execFileSync(process.execPath, [main, ...args], { env, encoding: 'utf8' });
    assert.match(run('--version'), /^\d+\.\d+\.\d+\n$/);
    assert.match(run('--help'), /argus|up/);
    const [port] = await freePorts(1);
    const args = ['--yes', '--json', '--network', 'regtest', '--data', join(root, 'data'), '--nats-port', String(port)];
    assert.equal(JSON.parse(run('init', ...args)).network, 'regtest');
  });
});

/** The packages of `npm ci --omit=dev`, each a link. */
function linkPackages(root: string): void {
  const { packages } = Lock.parse(JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8')));
  for (const [path, { dev }] of Object.entries(packages)) {
    if (path === '' || dev || path.lastIndexOf('node_modules/') > 0 || !existsSync(join(packageRoot, path))) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(join(packageRoot, path), join(root, path));
  }
}
