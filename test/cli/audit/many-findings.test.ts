import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headTower } from '../../fixtures/stored-heads.js';
import { argus } from '../../support/argus.js';
import { archiveOf, MadeUpLog } from '../../support/made-up-log.js';

test('an audit that names not all that is wrong says so, and how much it does not name', async (t) => {
  // Each of them is registered by a signature that is none.
  const folder = await archiveOf(t, new MadeUpLog().grow(1, 10_005));
  const audit = ['audit', 'verify', '--archive', folder, '--offline', '--tower', headTower];
  const [all, json, first] = [
    await argus([...audit, '--all']),
    await argus([...audit, '--all', '--json']),
    await argus(audit),
  ];
  assert.deepEqual([all.status, json.status, first.status], [1, 1, 1]);
  const { found, findings } = JSON.parse(json.stdout);
  assert.deepEqual([findings.length, found > 10_000], [10_000, true]);
  assert.equal(all.stdout.match(/^WRONG /gm)?.length, 10_000);
  const [said] = all.stdout.match(/^and .*$/m) ?? [];
  assert.equal(said, `and ${found - 10_000} more, which are not named: these are the first 10000 that were found`);
  assert.equal(first.stdout.match(/^WRONG /gm)?.length, 1);
  assert.match(first.stdout, /^and more: --all names up to 10000$/m);
});
