import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../actors/package-root.js';

const page = readFileSync(join(packageRoot, 'docs', 'security.md'), 'utf8');
const threats = page
  .slice(page.indexOf('## Who can try what'), page.indexOf('## What is not defended'))
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line) => line.split('|').slice(1, -1));

test('every threat on the security page has a test that is there, or says that it is planned', () => {
  assert.ok(threats.length > 20);
  for (const cells of threats) {
    assert.equal(cells.length, 4, cells.join('|'));
    const [, threat = '', , shown = ''] = cells;
    const tests = [...shown.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path);
    if (shown.includes('planned: ')) continue;
    assert.ok(tests.length > 0, `no test: ${threat}`);
    for (const path of tests) assert.ok(existsSync(join(packageRoot, path)), `${path} is not there: ${threat}`);
  }
});
