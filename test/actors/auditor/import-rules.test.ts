import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TowerImported } from '../../../events/import.js';
import { block, height } from '../../fixtures/blocks.js';
import { registered } from '../../fixtures/histories.js';
import { userId } from '../../fixtures/ids.js';
import { adding, type Judged, judged } from '../../support/judged.js';

/** What an auditor lets a log say that goes on with another tower's users. */

const imported: TowerImported = {
  type: 'TowerImported',
  from: 'teos-sqlite',
  digest: '5a'.repeat(32),
  users: 1,
  appointments: 1,
  trackers: 0,
  left: 0,
  height: height(1005),
};
const brought = registered({ importedFrom: 'teos-sqlite', start: height(20), expiry: height(2000) });
const old = (start: number) => adding({ startBlock: height(start) });
const scanned = (one: Judged) => one.scan({ type: 'BlockScanned', ...block(998), chainPosition: 1 });

const CASES: Readonly<Record<string, readonly [(one: Judged) => void, RegExp?]>> = {
  'a user and its appointment from before the first block': [
    (one) => {
      one.user(brought);
      one.user(old(30));
    },
  ],
  'that user going on as any other': [
    (one) => {
      one.user(brought);
      scanned(one);
      one.user(old(1001));
      one.newUser(userId('bob'), registered());
    },
  ],
  'a user of another kind of tower': [
    (one) => one.user({ ...brought, importedFrom: 'teos-leveldb' }),
    /^import: the user is said to be from a teos-leveldb/,
  ],
  'a user who is brought when blocks were evaluated': [
    (one) => {
      scanned(one);
      one.user(brought);
    },
    /^import: a user is brought .* after blocks/,
  ],
  'one who began after the import': [
    (one) => one.user({ ...brought, start: height(1006) }),
    /^import: the subscription began at height 1006/,
  ],
  'a user who registered here, long ago': [(one) => one.user(registered({ start: height(20) })), /^height: /],
  'an old appointment of a user who registered here': [
    (one) => {
      one.user(registered());
      one.user(old(30));
    },
    /^height: /,
  ],
  'an old appointment that comes when blocks were evaluated': [
    (one) => {
      one.user(brought);
      scanned(one);
      one.user(old(30));
    },
    /^height: /,
  ],
  'an appointment that began after the import, and before there was such a block': [
    (one) => {
      one.user(brought);
      one.user(old(1500));
    },
    /^height: /,
  ],
  'a second import': [(one) => one.chain(imported), /^import: /],
};

describe('of a log that goes on with another tower, an auditor', () => {
  for (const [name, [act, expected]] of Object.entries(CASES))
    test(`${expected ? 'finds fault with' : 'lets pass'} ${name}`, () => {
      const one = judged(imported);
      act(one);
      if (expected) assert.match(one.complaints.join(), expected);
      else assert.deepEqual(one.complaints, []);
    });

  test('finds fault with a user who is brought where no import is told of, and with one into a tower that had begun', () => {
    const one = judged();
    one.user(brought);
    assert.match(one.complaints.join(), /^import: .* CHAIN tells of no import/);
    one.chain(imported);
    assert.match(one.complaints.at(-1) ?? '', /^import: another tower is imported/);
  });
});
