import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { operations } from '../../../actors/gateway/requests.js';
import { packageRoot } from '../../../actors/package-root.js';
import { publicSubjects } from '../../../actors/wire.js';
import { textOfDocument } from '../../../cli/describe/describe.js';
import { refusalsOf } from '../../../cli/describe/refusals.js';
import { argus } from '../../support/argus.js';
import { assertIs, at, documentAt } from '../../support/described.js';

const DOORS = { http: 'openapi.json', nats: 'asyncapi.json' } as const;

describe('the documents of the doors', () => {
  for (const [door, file] of Object.entries(DOORS) as ['http' | 'nats', (typeof DOORS)['http' | 'nats']][])
    test(`docs/${file} is what argus describe ${door} prints: the shapes of the code`, async () => {
      const kept = readFileSync(join(packageRoot, 'docs', file), 'utf8');
      const made = textOfDocument(door);
      assert.ok(isDeepStrictEqual(JSON.parse(kept), JSON.parse(made)), `argus describe ${door} > docs/${file}`);
      assert.deepEqual(await argus(['describe', door]), { status: 0, stdout: made, stderr: '' });
    });

  for (const file of Object.values(DOORS))
    test(`every reference in docs/${file} leads somewhere`, () => {
      const document = documentAt(file);
      const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref = '']) => ref);
      assert.ok(references.length > 5);
      for (const ref of references) assert.ok(at(document, ...ref.replace('#/', '').split('/')), ref);
    });

  test('name every operation and subject, and no other', () => {
    const http = documentAt('openapi.json');
    assert.deepEqual(Object.keys(at(http, 'paths')).sort(), ['/ping', ...operations.map((name) => `/${name}`)].sort());
    const channels = Object.values(at(documentAt('asyncapi.json'), 'channels')) as { address: string | null }[];
    assert.deepEqual(channels.flatMap(({ address }) => address ?? []).sort(), Object.values(publicSubjects).sort());
  });

  test('have every example be of its own schema', () => {
    const document = documentAt('openapi.json');
    let examples = 0;
    for (const operation of operations) {
      const responses = at(document, 'paths', `/${operation}`, 'post', 'responses');
      for (const status of Object.keys(responses).filter((name) => name !== '200')) {
        const json = at(responses, status, 'content', 'application/json');
        for (const [name, { value }] of Object.entries(json.examples as Record<string, { value: unknown }>)) {
          assertIs(json.schema, value, `${operation} ${status} ${name}`);
          examples++;
        }
      }
    }
    assert.ok(examples > 100);
  });

  test('refuse what is none: the schemas are not empty', () => {
    const document = documentAt('openapi.json');
    for (const operation of operations) {
      const path = at(document, 'paths', `/${operation}`, 'post');
      const request = at(
        document,
        'paths',
        `/${operation}`,
        'post',
        'requestBody',
        'content',
        'application/json',
        'schema',
      );
      assert.throws(() => assertIs(request, {}, operation), assert.AssertionError);
      assert.throws(() =>
        assertIs(at(path, 'responses', '503', 'content', 'application/json', 'schema'), {}, operation),
      );
    }
  });

  test('and docs/protocol.md know the same reasons', () => {
    const text = readFileSync(join(packageRoot, 'docs', 'protocol.md'), 'utf8');
    const table = text.slice(text.indexOf('\n## Errors'), text.indexOf('\n## When the tower cannot accept'));
    const told = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].flatMap(([, reason = '']) =>
      reason === 'reason' ? [] : reason,
    );
    const known = operations.flatMap((operation) => refusalsOf(operation).map(({ reason }) => reason));
    assert.deepEqual(told.sort(), [...new Set<string>(known)].sort());
  });
});
