import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../events/bytes.js';
import { TowerId } from '../../events/ids.js';
import { signMessage } from '../../events/signing/message.js';
import { appointmentReceipt, type Dialect } from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { type Client, type Conclusion, clients, conclude } from './teos-clients.js';
import { Asker, anAppointment, bytesOf, type Came } from './teos-requests.js';

/** The models of the clients, row by row of D3 and D4: they are what the traps are measured with. */

const key = (n: number) => new Uint8Array(32).fill(n);
const towerId = TowerId.parse(toHex(secp256k1.publicKey(key(2))));
const user = new Asker(key(1));
const { signature } = user.add(anAppointment('1'));

const answer = (status: number, body: unknown): Came => ({
  kind: 'answer',
  status,
  head: '',
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});
const sign = (dialect: Dialect, secret = key(2)) =>
  signMessage(appointmentReceipt(dialect, { userSignature: signature, startBlock: 110 }), secret);
const receipt = (dialect: Dialect, more: object = {}) => ({
  locator: '1'.padStart(32, '0'),
  start_block: 110,
  signature: sign(dialect),
  available_slots: 9,
  subscription_expiry: 500,
  ...more,
});
const no = (code?: number) => ({ error: 'no', ...(code !== undefined && { error_code: code }) });

const { pythonPlugin, pythonCli, rustPlugin } = clients;
type Row = readonly [Client, string, Came, Conclusion];
const rows: readonly Row[] = [
  [pythonPlugin, 'a receipt', answer(200, receipt('python')), 'accepted'],
  [pythonPlugin, '200 without a signature', answer(200, {}), 'misbehaving'],
  [pythonPlugin, '404 without a signature', answer(404, { status: 'not_found' }), 'misbehaving'],
  [pythonPlugin, 'a start block beyond u32', answer(200, receipt('python', { start_block: 2 ** 32 })), 'misbehaving'],
  [
    pythonPlugin,
    "another key's receipt",
    answer(200, receipt('python', { signature: sign('python', key(3)) })),
    'misbehaving',
  ],
  [pythonPlugin, 'a signature that is none', answer(200, receipt('python', { signature: 'y' })), 'misbehaving'],
  [pythonPlugin, "the other generation's receipt", answer(200, receipt('rust')), 'misbehaving'],
  [pythonPlugin, '400 and -8', answer(400, no(-8)), 'subscription error'],
  [pythonPlugin, '400 and -1', answer(400, no(-1)), 'invalid'],
  [pythonPlugin, '400 and a code of the rust generation', answer(400, no(7)), 'invalid'],
  [pythonPlugin, '400 and -66', answer(400, no(-66)), 'crash'],
  [pythonPlugin, '400 without a code', answer(400, no()), 'crash'],
  [pythonPlugin, '400 that is no JSON', answer(400, '<html>'), 'crash'],
  [pythonPlugin, '503, whatever it says', answer(503, 'busy'), 'temporarily unreachable'],
  [pythonPlugin, 'a refused connection', { kind: 'refused' }, 'temporarily unreachable'],
  [pythonPlugin, 'no answer in time', { kind: 'timeout' }, 'temporarily unreachable'],
  [pythonPlugin, 'no answer', { kind: 'closed', why: '' }, 'crash'],
  ...[401, 413, 429, 500].map(
    (status) => [pythonPlugin, `${status}`, answer(status, no(-8)), 'crash'] as const satisfies Row,
  ),
  [pythonCli, 'a receipt', answer(200, receipt('python')), 'accepted'],
  [pythonCli, 'a refusal', answer(400, no(-8)), 'told'],
  [
    pythonCli,
    "another key's receipt",
    answer(200, receipt('python', { signature: sign('python', key(3)) })),
    'misbehaving',
  ],
  [pythonCli, 'a refused connection', { kind: 'refused' }, 'temporarily unreachable'],
  [rustPlugin, 'a receipt', answer(200, receipt('rust')), 'accepted'],
  [rustPlugin, 'a receipt with a status that is none', answer(500, receipt('rust')), 'accepted'],
  [rustPlugin, 'a receipt and an error in one', answer(400, { ...receipt('rust'), ...no(32) }), 'accepted'],
  [
    rustPlugin,
    "another key's receipt",
    answer(200, receipt('rust', { signature: sign('rust', key(3)) })),
    'misbehaving',
  ],
  [rustPlugin, "the other generation's receipt", answer(200, receipt('python')), 'misbehaving'],
  [rustPlugin, 'a signature that is none', answer(200, receipt('rust', { signature: 'y' })), 'crash'],
  [
    rustPlugin,
    'a receipt without an expiry',
    answer(200, receipt('rust', { subscription_expiry: undefined })),
    'crash',
  ],
  [rustPlugin, 'code 7', answer(503, no(7)), 'subscription error'],
  [rustPlugin, 'code 32', answer(503, no(32)), 'invalid'],
  [rustPlugin, 'code 255', answer(400, no(255)), 'invalid'],
  [rustPlugin, 'a negative code', answer(400, no(-8)), 'crash'],
  [rustPlugin, 'code 256', answer(400, no(256)), 'crash'],
  [rustPlugin, 'no code', answer(503, no()), 'crash'],
  [rustPlugin, 'plain text', answer(413, 'too large'), 'crash'],
  [rustPlugin, 'a refused connection', { kind: 'refused' }, 'temporarily unreachable'],
  [rustPlugin, 'no answer', { kind: 'closed', why: '' }, 'crash'],
];

describe('the models of the clients', () => {
  for (const [client, what, came, conclusion] of rows)
    test(`${client.name}, given ${what}: ${conclusion}`, () => {
      assert.equal(conclude(client, came, { towerId, signature }), conclusion);
    });

  test('speak as the clients do, to the byte', () => {
    const url = 'http://127.0.0.1:9814';
    assert.equal(
      bytesOf('rust', '/register', url, { user_id: 'ab' }).toString(),
      'POST /register HTTP/1.1\r\ncontent-type: application/json\r\naccept: */*\r\nhost: 127.0.0.1:9814\r\n' +
        'content-length: 16\r\n\r\n{"user_id":"ab"}',
    );
    assert.equal(
      bytesOf('python', '/add_appointment', url, { appointment: { to_self_delay: 20 }, signature: 'x' }).toString(),
      'POST /add_appointment HTTP/1.1\r\nHost: 127.0.0.1:9814\r\nUser-Agent: python-requests/2.31.0\r\n' +
        'Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nContent-Length: 56\r\n' +
        'Content-Type: application/json\r\n\r\n{"appointment": {"to_self_delay": 20}, "signature": "x"}',
    );
  });
});
