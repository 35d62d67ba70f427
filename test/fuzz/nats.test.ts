import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publicSubjects } from '../../actors/wire.js';
import { startFuzzedNode } from './fuzzed-node.js';
import { inTurn } from './in-turn.js';
import { NatsLine } from './nats-line.js';
import { Shots } from './requests.js';
import { chanceOf, REQUESTS } from './settings.js';

/** How many requests wait for their answers at once. */
const AT_ONCE = 200;

test('the NATS door answers whatever it is asked, and nothing comes of it', async (t) => {
  const node = await startFuzzedNode(t);
  const line = await NatsLine.open(t, node.nats.port);
  const shots = new Shots(chanceOf(1), node.secret);
  const statuses = new Map<number, number>();
  await node.endures(
    (count) =>
      inTurn(count, AT_ONCE, async () => {
        const { operation, body } = shots.next();
        const { status, text } = await line.ask(publicSubjects[operation], body).catch((cause) => {
          throw new Error(`${operation} ${body.toString('latin1')} is not answered: ${node.logged().slice(-2_000)}`, {
            cause,
          });
        });
        const answer = JSON.parse(text);
        if (status !== 200) assert.equal(typeof answer.error, 'string', body.toString('latin1'));
        // A proof may have to be waited for, and deletions wait for one another; all else is granted or refused.
        assert.ok(
          status !== 503 || operation === 'get_proof' || operation === 'delete_appointment',
          `${operation} ${body.toString('latin1')}: ${text}`,
        );
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }),
    REQUESTS,
  );
  t.diagnostic(JSON.stringify(Object.fromEntries(statuses)));
  assert.deepEqual(
    Array.from(statuses.keys()).filter((status) => ![200, 400, 401, 404, 413, 503].includes(status)),
    [],
  );
});
