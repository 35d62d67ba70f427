import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { packageRoot } from '../actors/package-root.js';

/** What is installed, and what of it runs: `docs/security.md` says the same for people. */

const textOf = (...path: string[]) => readFileSync(join(packageRoot, ...path), 'utf8');

const Locked = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  integrity: z.string().optional(),
  resolved: z.string().optional(),
  link: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
});
const lock = z
  .object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), Locked) })
  .parse(JSON.parse(textOf('package-lock.json')));
const { '': own, ...packages } = lock.packages;
const installed = Object.entries(packages);
const nameOf = (place: string) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);

describe('what is installed', () => {
  test('is in the lock file to the byte, from whatever registry it comes', () => {
    assert.ok(installed.length > 100);
    for (const [place, { version, integrity = '', resolved, link }] of installed) {
      assert.match(integrity, /^sha512-[A-Za-z0-9+/]{86}==$/, place);
      assert.match(version ?? '', /^\d+\.\d+\.\d+/, place);
      assert.deepEqual([resolved, link], [undefined, undefined], place);
    }
    assert.match(textOf('.npmrc'), /^omit-lockfile-registry-resolved=true$/m);
  });

  test('is asked for by versions alone: no folder, no repository, no address', () => {
    const Wishes = z.object({
      dependencies: z.record(z.string(), z.string()),
      devDependencies: z.record(z.string(), z.string()),
    });
    const { dependencies, devDependencies } = Wishes.parse(JSON.parse(textOf('package.json')));
    for (const [name, wish] of Object.entries({ ...dependencies, ...devDependencies }))
      assert.match(wish, /^[~^]?\d+\.\d+\.\d+$/, name);
    assert.deepEqual(own?.dependencies, dependencies);
  });

  test('runs no script of its own: four packages have one, and none of them needs it', () => {
    const withScripts = installed
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([place]) => nameOf(place));
    assert.deepEqual(withScripts.sort(), ['classic-level', 'dtrace-provider', 'secp256k1', 'zeromq']);
    assert.match(textOf('.npmrc'), /^ignore-scripts=true$/m);
    assert.match(textOf('scripts', 'setup.mjs'), /'npm', \['ci', /);
  });
});

/** The packages of which a program has loaded something. */
function loadedBy(program: string): string[] {
  const script = `${program}
    const { createRequire } = await import('node:module');
    console.log(JSON.stringify(Object.keys(createRequire(${JSON.stringify(join(packageRoot, 'package.json'))}).cache)));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    cwd: packageRoot,
  });
  const files = z.array(z.string()).parse(JSON.parse(stdout || `"${stderr}"`));
  const found = files.flatMap((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  return [...new Set(found)].sort();
}

const dist = (...path: string[]) => JSON.stringify(join(packageRoot, 'dist', ...path));

describe('what is known to have defects', () => {
  test('the retired HTTP client is the copy that is kept', () => {
    const { name, version } = packages['node_modules/request'] ?? {};
    assert.equal(name, '@cypress/request');
    assert.match(version ?? '', /^4\./);
    for (const [gone, least] of [
      ['form-data', 4],
      ['tough-cookie', 5],
      // Below that it is the retired client's; this one is for tests alone.
      ['ajv', 8],
    ] as const) {
      const versions = installed.filter(([place]) => nameOf(place) === gone).map(([, { version = '' }]) => version);
      assert.ok(versions.length > 0 && versions.every((version) => Number.parseInt(version, 10) >= least), gone);
    }
    for (const gone of ['har-validator', 'oauth-sign', 'psl'])
      assert.ok(!installed.some(([place]) => nameOf(place) === gone), gone);
  });

  test('is not loaded where it can be left out: elliptic, where libsecp256k1 is', () => {
    const loaded = loadedBy(`
      import ${dist('actors', 'bitcoind', 'preload.js')};
      const { secp256k1 } = await import(${dist('events', 'signing', 'secp256k1.js')});
      if (!secp256k1.name.includes('native')) throw new Error(secp256k1.name);`);
    for (const known of ['bitcoin-core', 'request', 'secp256k1']) assert.ok(loaded.includes(known), loaded.join(' '));
    for (const unwanted of ['elliptic', 'bn.js', 'hmac-drbg'])
      assert.ok(!loaded.includes(unwanted), `${unwanted} is loaded`);
  });

  test('is told of in docs/security.md, with the version that is installed', () => {
    const rows = [...textOf('docs', 'security.md').matchAll(/^\| `([a-z@/.-]+) (\d+\.\d+\.\d+)` \|/gm)];
    assert.ok(rows.length >= 5, 'the table is read');
    for (const [, name = '', version] of rows) {
      const versions = installed.filter(([place]) => nameOf(place) === name).map(([, locked]) => locked.version);
      assert.ok(versions.includes(version), `${name} ${version}: installed is ${versions.join(', ') || 'none'}`);
    }
  });
});
