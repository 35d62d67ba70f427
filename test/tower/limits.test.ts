import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headers } from 'nats';
import { TowerRefusedError } from '../../actors/client/errors.js';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { publicSubjects } from '../../actors/wire.js';
import type { Txid } from '../../events/ids.js';
import { Dialect } from '../../events/signing/receipts.js';
import { HEADERS, type HttpAnswer, request, send, spellJson } from '../support/http.js';
import { registeredPlugin, startHttpTower, urlOf } from '../support/http-tower.js';
import { HttpUser } from '../support/http-user.js';
import { anAppointment } from '../support/teos-requests.js';
import { startTestTower } from '../support/tower.js';

/** Each limit at its edge, as a client of each generation meets it. */

const txid = (n: number) => n.toString(16).padStart(2, '0').repeat(32) as Txid;
const http = { 'http.listen': '127.0.0.1:0' };

/** How a refusal came back over HTTP: status, code, reason and for how long. */
const refusal = ({ status, headers, body }: HttpAnswer) => {
  const { error_code: code } = JSON.parse(body);
  return `${status}/${code ?? '-'} ${headers.get('argus-reason') ?? 'granted'} ${headers.get('retry-after') ?? '-'}`;
};

for (const dialect of Dialect.options) {
  const isPython = dialect === 'python';
  const keyField = isPython ? 'public_key' : 'user_id';
  /** A registration of a new user, that came through a proxy from somewhere. */
  const registration = (url: string, from: string) => {
    const { userId } = new HttpUser(() => url, dialect);
    const body = spellJson[dialect]({ [keyField]: userId });
    return send(url, request('POST', '/register', [...HEADERS[dialect], `X-Forwarded-For: ${from}`], body));
  };

  describe(`a ${dialect} client`, () => {
    test('beyond the users that a tower may have is refused; whoever is there renews', async (t) => {
      const tower = await startTestTower(t, { settings: { 'limits.max_users': '2' } });
      const clients = await Promise.all([1, 2, 3].map(() => tower.newClient(dialect)));
      const [alice, bob, carol] = clients;
      await alice?.register();
      await bob?.register();
      const said = isPython ? { status: 503, errorCode: undefined } : { status: 400, errorCode: 65 };
      await assert.rejects(Promise.resolve(carol?.register()), { reason: 'user-limit-reached', ...said });
      await alice?.register();
    });

    test('beyond the slots that a user may have is refused', async (t) => {
      const limits = { 'subscription.slots': '10', 'limits.max_slots_per_user': '25' };
      const tower = await startTestTower(t, { settings: limits });
      const client = await tower.newClient(dialect);
      await client.register();
      await client.register();
      const said = isPython ? { status: 400, errorCode: -34 } : { status: 400, errorCode: 65 };
      await assert.rejects(client.register(), { reason: 'max-slots-reached', ...said });
      for (let n = 1; n <= 5; n++)
        await client.addAppointment(makeAppointment(dialect, txid(n), new Uint8Array(50), 144));
      assert.equal((await client.register()).available_slots, 25);
    });

    test('beyond the registrations of a source is told to come again, and others are not held up', async (t) => {
      const settings = { ...http, 'limits.registrations_per_minute': '3', 'http.trusted_proxies': '127.0.0.0/8' };
      const tower = await startTestTower(t, { settings });
      const url = urlOf(tower);
      for (const from of ['192.0.2.1', '2001:db8::1', '2001:db8::1:0:0:1']) {
        const all = [];
        for (let n = 0; n < 4; n++) all.push(refusal(await registration(url, from)));
        const isNew = from !== '2001:db8::1:0:0:1'; // of the same /64 as the one before
        const late = new RegExp(`^503/${isPython ? '-' : '32'} rate-limited (1?\\d|20)$`);
        assert.deepEqual(all.slice(0, 3), isNew ? Array(3).fill('200/- granted -') : all.slice(0, 3));
        for (const each of isNew ? all.slice(3) : all) assert.match(each, late);
      }
    });

    test('beyond the requests of a source is told to come again, whatever it sends', async (t) => {
      const settings = { ...http, 'limits.source_requests_per_second': '1', 'http.trusted_proxies': '127.0.0.1' };
      const tower = await startTestTower(t, { settings });
      const url = urlOf(tower);
      const junk = (from: string) =>
        send(
          url,
          request(
            'POST',
            '/add_appointment',
            [...HEADERS[dialect], `X-Forwarded-For: ${from}`],
            spellJson[dialect]({ a: 1 }),
          ),
        );
      const all = [];
      for (let n = 0; n < 40; n++) all.push(refusal(await junk('192.0.2.1')));
      // Ten may come at once, and one more each second that this takes.
      assert.ok(
        all.slice(0, 10).every((each) => !each.includes('rate-limited')),
        all.join(),
      );
      // Who it is was not looked at: the answer is one that neither generation takes amiss.
      const late = all.filter((each) => each === '503/7 rate-limited 1');
      assert.ok(late.length >= 15, all.join());
      assert.doesNotMatch(refusal(await junk('192.0.2.2')), /rate-limited/);
    });

    test('beyond the requests of a user is told to come again, and how soon', async (t) => {
      const tower = await startTestTower(t, { settings: { 'limits.user_requests_per_second': '1' } });
      const [busy, other] = [await tower.newClient(dialect), await tower.newClient(dialect)];
      await busy.register();
      await other.register();
      const add = (n: number) => busy.addAppointment(makeAppointment(dialect, txid(n), new Uint8Array(50), 144));
      const asked = await Promise.allSettled(Array.from({ length: 60 }, (_, n) => add(n + 1)));
      const late = asked.flatMap((each) => {
        if (each.status === 'fulfilled') return [];
        assert.ok(each.reason instanceof TowerRefusedError, String(each.reason));
        // What was let through may have taken too long, on a machine that has much to do.
        return each.reason.reason === 'unavailable' ? [] : [each.reason];
      });
      assert.ok(late.length > 30 && late.length <= 50, `${late.length} came too fast`);
      for (const { reason, status, errorCode } of late)
        assert.deepEqual([reason, status, errorCode], ['rate-limited', 503, isPython ? undefined : 7]);
      await other.getSubscriptionInfo();
    });

    test('that keeps trying loses nothing by a limit, as each plugin goes by what it is told', async (t) => {
      const settings = { 'limits.user_requests_per_second': '1', 'limits.registrations_per_minute': '60' };
      const tower = await startHttpTower(t, { settings });
      const plugin = await registeredPlugin(tower, isPython ? 'pythonPlugin' : 'rustPlugin');
      for (let n = 0; n < 20; n++) await plugin.revoked(anAppointment(`a${n}`));
      assert.ok(plugin.pending.size > 0, 'it was told to come again');
      await plugin.settled();
      assert.deepEqual([plugin.accepted.size, plugin.pending.size, plugin.hurt], [20, 0, []]);
    });
  });
}

test('over NATS a refusal says in milliseconds how long to wait, and no header that a client writes helps it', async (t) => {
  const tower = await startTestTower(t, { settings: { 'limits.registrations_per_minute': '2' } });
  const nc = await tower.nats.connect('public');
  const register = (n: number) => {
    const all = headers();
    all.set('Nats-Request-Info', `{"acc":"PUBLIC","host":"192.0.2.${n}"}`);
    return nc.request(publicSubjects.register, '{}', { timeout: 5_000, headers: all });
  };
  for (let n = 0; n < 2; n++) assert.equal((await register(n)).json<{ reason: string }>().reason, 'malformed-request');
  const answer = await register(3);
  const { reason, error_code: code, retry_after_ms: ms, error } = answer.json<Record<string, unknown>>();
  assert.deepEqual([reason, code, answer.headers?.get('Nats-Service-Error-Code')], ['rate-limited', 32, '503']);
  assert.ok(Number(ms) > 20_000 && Number(ms) <= 30_000, String(ms));
  assert.match(String(error), /^Too many requests: come again in \d+ s$/);
});
