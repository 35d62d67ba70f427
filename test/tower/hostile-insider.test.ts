import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operatorSubjects, publicSubjects } from '../../actors/wire.js';
import { publications, replies, subscriptions } from '../support/hostile-attempts.js';
import { logStates } from '../support/log-states.js';
import { newNkey, RawNats } from '../support/raw-nats.js';
import { startTestTower } from '../support/tower.js';
import { until } from '../support/until.js';
import { verified } from '../support/verified.js';

/** Whoever has the operator's key, or the auditor's, and wants more than those are for. */

test('neither the operator nor the auditor can touch the log, listen to others, or be the tower', async (t) => {
  const tower = await startTestTower(t);
  const { nats, key } = tower;
  await (await tower.newClient()).register();
  const states = await logStates(await nats.connect('node'));
  const before = await states();
  const encode = (seed: string) => new TextEncoder().encode(seed);
  const roles = {
    operator: {
      raw: await RawNats.signIn(t, nats.port, { seed: encode(nats.operatorSeed) }),
      inbox: '_INBOX_OPERATOR',
      may: /^argus\.operator\.v1\.|^argus\.v1\.[^.]+$|^\$SRV\./,
      asks: [operatorSubjects.info, publicSubjects.info, '$SRV.PING'],
    },
    auditor: {
      raw: await RawNats.signIn(t, nats.port, { seed: encode(nats.auditorSeed) }),
      inbox: '_INBOX_AUDITOR',
      may: /^argus\.audit\.v1\.(info|get|next|consumer)\.(?!OBJ_SNAPSHOTS)/,
      asks: ['info.TOWER_0', 'get.TOWER_0', 'consumer.TOWER_0', 'next.TOWER_0.x'].map(
        (asked) => `argus.audit.v1.${asked}`,
      ),
    },
  };
  for (const [who, { raw, inbox, may, asks }] of Object.entries(roles)) {
    await t.test(`the ${who}: publishing`, async () => {
      const wanted = publications(String(raw.info.server_id)).filter((subject) => !may.test(subject));
      for (const subject of wanted) {
        const refused = [`-ERR 'Permissions Violation for Publish to "${subject}"'`];
        assert.deepEqual(await raw.publish(subject, '{}', `${inbox}.x`), refused);
        for (const asked of asks)
          assert.deepEqual(await raw.publishWith({ 'Nats-Trace-Dest': subject }, asked), refused, `traced ${asked}`);
      }
    });

    await t.test(`the ${who}: listening`, async () => {
      const wanted = subscriptions(newNkey().nkey).filter((subject) => subject !== `${inbox}.>`);
      for (const subject of wanted)
        for (const queue of ['', 'argus']) {
          const [said = ''] = await raw.subscribe(subject, 7, queue);
          const isRefused = said.includes(`Permissions Violation for Subscription to "${subject}"`);
          assert.ok(isRefused || said === "-ERR 'Invalid Subject'", `${subject} ${queue}: ${said}`);
        }
    });

    await t.test(`the ${who}: having its answers sent where they do harm`, async () => {
      for (const asked of asks)
        for (const reply of replies.filter((one) => !one.startsWith('_R_.')))
          assert.deepEqual(await raw.publish(asked, '{"seq":1}', reply), [], `${asked} ${reply}`);
    });

    await t.test(`the ${who}: what it is there for`, async () => {
      assert.deepEqual(await raw.subscribe(`${inbox}.>`, 1), []);
      const [asked = ''] = asks;
      assert.deepEqual(await raw.publish(asked, '', `${inbox}.1`), []);
      await until('its answer', () => raw.messages.length > 0);
    });
  }

  await t.test('the log is as it was', async () => {
    assert.deepEqual(await states(), before);
    assert.equal((await verified(nats, key.towerId)).found, 0);
  });
});
