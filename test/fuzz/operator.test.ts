import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headers, type NatsConnection } from 'nats';
import { clusterSubjects } from '../../actors/cluster-wire.js';
import { nodeSubjects, operatorSubjects } from '../../actors/wire.js';
import { userId } from '../fixtures/ids.js';
import { mutated, noise } from './bytes.js';
import { startFuzzedNode } from './fuzzed-node.js';
import { inTurn } from './in-turn.js';
import { objectLike, value } from './json.js';
import { chanceOf, oneOf, REQUESTS, SEED } from './settings.js';

/** What reaches a node past the doors of clients: from its operator, and from other nodes of its tower. */

const AT_ONCE = 100;
const OPERATOR = [
  ...Object.values(operatorSubjects),
  ...Object.values(clusterSubjects),
  ...Object.values(nodeSubjects),
];

const question = fc.oneof(
  objectLike({ after: '"0.0"', limit: '10', locator: `"${'0'.repeat(32)}"`, user_id: `"${userId('a')}"` }),
  objectLike({ after: '"999999999.999999999999.999999999999"', limit: '1000' }),
  value,
);
const span = { from: '{"index":0,"shown":0}', limit: '5' };
const shardQuestion = fc.oneof(
  objectLike({ what: '"users"', ...span }),
  objectLike({ what: '"trackers"', ...span, from: '{"index":9007199254740991,"shown":9007199254740991}' }),
  objectLike({ what: '"appointments"', ...span, locator: `"${'0'.repeat(32)}"`, userId: `"${userId('a')}"` }),
  objectLike({ what: '"user"', userId: `"${userId('a')}"` }),
  objectLike({ what: '"numbers"' }),
);

const texts = (arbitrary: fc.Arbitrary<string>, place: number) =>
  fc.sample(arbitrary, { seed: SEED + place, numRuns: 1_000 });

test('the desks answer whatever the operator asks, and what other nodes ask', async (t) => {
  const node = await startFuzzedNode(t);
  const chance = chanceOf(3);
  const [ofOperator, ofNode] = [texts(question, 10), texts(shardQuestion, 11)];
  const bodyOf = (choices: readonly string[]) => {
    if (chance.oneIn(20)) return noise(chance, 3_000);
    const text = Buffer.from(oneOf(chance, choices));
    return chance.oneIn(4) ? mutated(text, chance) : text;
  };
  const operator = await node.nats.connect('operator');
  const other = await node.nats.connect('node');
  await node.endures(
    (count) =>
      inTurn(count, AT_ONCE, () =>
        chance.oneIn(2)
          ? askDesk(operator, oneOf(chance, OPERATOR), bodyOf(ofOperator))
          : askRelay(other, bodyOf(ofNode)),
      ),
    REQUESTS / 4, // who has the operator's key, or a node's, is not anybody
  );

  /** Every answer is JSON, and what was not granted says why. */
  async function askDesk(nc: NatsConnection, subject: string, body: Buffer): Promise<void> {
    const message = await nc.request(subject, body, { timeout: 30_000 });
    const json = message.json<{ error?: unknown }>();
    const status = Number(message.headers?.get('Nats-Service-Error-Code') || 200);
    assert.ok([200, 400, 404].includes(status), `${status} to ${body.toString('latin1')}`);
    if (status !== 200) assert.equal(typeof json.error, 'string');
  }

  async function askRelay(nc: NatsConnection, body: Buffer): Promise<void> {
    const about = headers();
    for (const name of ['operation', 'dialect', 'certain'])
      if (!chance.oneIn(3))
        about.set(name, oneOf(chance, ['register', 'get_appointment', 'rust', 'python', 'true', '', 'x']));
    const message = await nc.request(`argus.relay.v1.0.${oneOf(chance, ['operator', 'request'])}`, body, {
      timeout: 30_000,
      headers: about,
    });
    if (message.data.length > 0) JSON.parse(Buffer.from(message.data).toString('utf8'));
  }
});
