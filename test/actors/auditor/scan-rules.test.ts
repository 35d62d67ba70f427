import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChainRecord } from '../../../actors/auditor/chain-record.js';
import { ScanRules } from '../../../actors/auditor/scan-rules.js';
import { chainCommit, connectedUpTo } from '../../fixtures/blocks.js';
import { scanned } from '../../fixtures/commits.js';
import { towerId } from '../../support/judged.js';

const MINUTE = 60_000;

test('a sweep at a block is over when another block was evaluated a while after it, also for an audit that goes on', () => {
  const complaints: string[] = [];
  const complain = (what: string, why: string) => void complaints.push(`${what}: ${why}`);
  const chain = new ChainRecord(towerId);
  chain.apply(chainCommit(1, ...connectedUpTo(998, 1010)), 0, 0, complain);
  let scans = new ScanRules();
  let position = 0;
  const scan = (minutes: number, height = 998 + position) => {
    scans.apply([scanned(height, 'a', 1)], { position: ++position, time: minutes * MINUTE, chain, complain });
    return scans.sweptAt / MINUTE;
  };
  assert.equal(scan(100), 0, 'its own sweep has only begun');
  assert.equal(scan(110), 100);
  scans = new ScanRules(structuredClone(scans.save()));
  assert.equal(scans.sweptAt, 100 * MINUTE);
  assert.equal(scan(110.1), 100, 'the sweep at the one before may be under way still');
  assert.equal(scan(110.2), 100);
  assert.equal(scan(125), 110);
  assert.deepEqual(complaints, []);
});
