import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startHttpTower, tally, urlOf } from '../support/http-tower.js';
import { Asker, bytesOf, exchange, openLine } from '../support/teos-requests.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';

/** More clients at once than the tower serves, and doors that close while some wait before them. */

const register = (url: string) => {
  const asker = new Asker(secretKey());
  return exchange(url, bytesOf('rust', '/register', url, asker.register('rust')));
};

describe('a crowd before the HTTP door', () => {
  test('whoever was connected when the door closes is answered; the others are refused, and the door opens again', async (t) => {
    const tower = await startHttpTower(t, { settings: { 'http.max_connections': '4' } });
    const url = urlOf(tower);
    for (let round = 0; round < 3; round++) {
      const seen = tally(await Promise.all(Array.from({ length: 60 }, () => register(url))));
      assert.deepEqual(
        Object.keys(seen).filter((what) => what !== '200' && what !== 'refused'),
        [],
        JSON.stringify(seen),
      );
      assert.ok((seen['200'] ?? 0) >= 4, JSON.stringify(seen));
      await until('the door is open again', async () => (await register(url)).kind === 'answer');
    }
  });

  test('those who wait in the backlog while the tower is busy are answered when it stops at that moment', async (t) => {
    const tower = await startHttpTower(t);
    const url = urlOf(tower);
    // Their connections are made before the tower has had a chance to take them.
    const waiting = Array.from({ length: 40 }, () => register(url));
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const stopped = tower.stopNode();
    assert.deepEqual(tally(await Promise.all(waiting)), { 200: 40 });
    await stopped;
    assert.equal((await register(url)).kind, 'refused');
  });

  test('idle connections keep nobody out for long, and are not waited for at the end', async (t) => {
    const tower = await startHttpTower(t, { settings: { 'http.max_connections': '3' } });
    const url = urlOf(tower);
    const idle = Array.from({ length: 3 }, () => openLine(url));
    await until('the door closes', async () => (await register(url)).kind === 'refused');
    for (const { socket } of idle.slice(1)) socket.destroy();
    await until('the door opens', async () => (await register(url)).kind === 'answer');
    await tower.stopNode();
    assert.equal((await idle[0]?.came)?.kind, 'answer');
  });
});
