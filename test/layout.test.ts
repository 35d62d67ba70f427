import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, test } from 'node:test';
import { packageRoot } from '../actors/package-root.js';

/** What may import what, checked over the source itself: `events <- projections <- actors <- cli`. */

interface Source {
  /** Such as `actors/watcher/watcher.ts`. */
  readonly file: string;
  readonly text: string;
  /** What it imports: files of the project by their path, packages by their name. */
  readonly imports: readonly string[];
}

const FOLDERS = ['events', 'projections', 'actors', 'cli', 'bench', 'test'];
const sources = FOLDERS.flatMap((folder) => listSources(folder));

function listSources(folder: string): Source[] {
  if (!existsSync(join(packageRoot, folder))) return [];
  return readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readSource(join(folder, name)));
}

function readSource(path: string): Source {
  const text = readFileSync(join(packageRoot, path), 'utf8');
  const file = path.replaceAll(sep, '/');
  return { file, text, imports: specifiers(text).map((specifier) => resolve(file, specifier)) };
}

/** The modules that a file names in `import` and `export ... from`, also where they are imported while running. */
function specifiers(text: string): string[] {
  const statements = /^(?:import|export)\b(?:[^'";]*?\bfrom)?\s*'([^']+)'/gm;
  const calls = /\bimport\(\s*'([^']+)'/g;
  return [...text.matchAll(statements), ...text.matchAll(calls)].map(([, specifier = '']) => specifier);
}

/** `./x.js` as the path of its source; `package/part` as the package. */
function resolve(file: string, specifier: string): string {
  if (specifier.startsWith('.'))
    return normalize(join(dirname(file), specifier))
      .replaceAll(sep, '/')
      .replace(/\.js$/, '.ts');
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

/** The top folder of a file, or of what it imports if that is the project's own. */
const layerOf = (path: string) => FOLDERS.find((folder) => path.startsWith(`${folder}/`));
/** The room of a file: `watcher` for `actors/watcher/watcher.ts`; undefined for files beside the rooms. */
const roomOf = (path: string) => /^actors\/([^/]+)\//.exec(path)?.[1];

/** Each import that a rule forbids, as `file -> what`. */
const breaking = (isAllowed: (from: string, to: string) => boolean) =>
  sources.flatMap(({ file, imports }) => imports.filter((to) => !isAllowed(file, to)).map((to) => `${file} -> ${to}`));

/** A package is used only in files that begin with one of these. */
const onlyIn =
  (name: string, ...places: string[]) =>
  (from: string, to: string) =>
    to !== name || places.some((place) => from.startsWith(place));

describe('the layout', () => {
  test('is read: every import of the project is a file of it', () => {
    assert.ok(sources.length > 100);
    const files = new Set(sources.map(({ file }) => file));
    assert.deepEqual(
      breaking((_, to) => !to.endsWith('.ts') || files.has(to)),
      [],
    );
    const watcher = sources.find(({ file }) => file === 'actors/watcher/watcher.ts');
    assert.ok(watcher?.imports.includes('pino') && watcher.imports.includes('projections/fold.ts'));
  });

  test('goes one way: events <- projections <- actors <- cli; benchmarks and tests see all', () => {
    const below: Record<string, string[]> = {
      events: ['events'],
      projections: ['events', 'projections'],
      actors: ['events', 'projections', 'actors'],
      cli: ['events', 'projections', 'actors', 'cli'],
      bench: ['events', 'projections', 'actors', 'cli', 'bench'],
    };
    const isAllowed = (from: string, to: string) => {
      const layer = layerOf(to);
      return layer === undefined || (below[layerOf(from) ?? ''] ?? FOLDERS).includes(layer);
    };
    assert.deepEqual(breaking(isAllowed), []);
  });

  test("keeps actors out of each other's rooms; only where a node is put together are rooms entered", () => {
    const shared = new Set(['runtime', 'bitcoind']);
    const roots = new Set(
      [
        'node',
        'node-options',
        'bitcoind-side',
        'client-doors',
        'door-worker',
        'policy-side',
        'web-side',
        'shard',
        'doors',
        'node-desks',
        'config',
      ].map((name) => `actors/${name}.ts`),
    );
    const isAllowed = (from: string, to: string) => {
      const room = roomOf(to);
      if (room === undefined || shared.has(room) || layerOf(from) !== 'actors') return true;
      return roomOf(from) === room || roots.has(from);
    };
    assert.deepEqual(breaking(isAllowed), []);
  });

  test('has the checker of the torture share no code with what it judges', () => {
    const checker = 'test/torture/checker/';
    const isAllowed = (from: string, to: string) =>
      !from.startsWith(checker) || to.startsWith(checker) || layerOf(to) === undefined;
    assert.deepEqual(breaking(isAllowed), []);
  });

  test('has the shared rooms know no actor', () => {
    const isAllowed = (from: string, to: string) =>
      !['runtime', 'bitcoind'].includes(roomOf(from) ?? '') || (roomOf(to) ?? roomOf(from)) === roomOf(from);
    assert.deepEqual(breaking(isAllowed), []);
  });

  for (const [name, ...places] of [
    ['bitcoin-core', 'actors/bitcoind/'],
    ['hyparquet-writer', 'actors/auditor/'],
    ['zeromq', 'actors/chain-monitor/', 'actors/mempool-watch/', 'cli/', 'bench/', 'test/'],
    ['nats', 'events/log/', 'actors/', 'cli/', 'bench/', 'test/'],
  ] as const)
    test(`uses ${name} only in ${places.join(', ')}`, () => {
      assert.deepEqual(breaking(onlyIn(name, ...places)), []);
      assert.ok(sources.some(({ imports }) => imports.includes(name)));
    });

  test('keeps the meaning of events free of everything that does input or output; the log may have a socket', () => {
    const pure = ['events/', 'projections/'];
    const io = ['node:fs', 'node:net', 'node:http', 'node:child_process', 'pino'];
    const isLog = (from: string, to: string) => from.startsWith('events/log/') && to === 'node:net';
    const isAllowed = (from: string, to: string) =>
      !pure.some((place) => from.startsWith(place)) || !io.includes(to) || isLog(from, to);
    assert.deepEqual(breaking(isAllowed), []);
  });

  test('has every file below 300 lines', () => {
    const long = sources.map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }));
    assert.deepEqual(
      long.filter(({ lines }) => lines > 300),
      [],
    );
  });

  test('has no barrels: no file is there only to hand on what others hold', () => {
    const isBarrel = ({ text }: Source) => {
      const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
      const rest = code.replace(/^export\b[^'";]*?\bfrom\s*'[^']+';?$/gm, '').trim();
      return rest === '' && code.trim() !== '';
    };
    assert.deepEqual(
      sources.filter(isBarrel).map(({ file }) => file),
      [],
    );
    assert.ok(
      isBarrel({ file: '', imports: [], text: "/** All. */\nexport * from './a.js';\nexport { b } from './b.js';\n" }),
    );
  });
});
