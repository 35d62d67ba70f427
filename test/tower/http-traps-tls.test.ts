import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { concluded, startHttpTower, urlOf } from '../support/http-tower.js';
import { tempDir } from '../support/temp-dir.js';
import { clients } from '../support/teos-clients.js';
import { describe as show } from '../support/teos-plugins.js';
import { Asker, anAppointment, bytesOf, call, openLine } from '../support/teos-requests.js';
import { secretKey } from '../support/tower.js';

/** The same over TLS, as far as a client that exists can speak it: the python ones. */

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe('an HTTP door with TLS', {
  skip: hasOpenssl ? false : 'there is no openssl to make a certificate with',
}, () => {
  test('accepts, and answers what it was asked while it is stopped, also those who have sent but a part', async (t) => {
    const folder = tempDir(t);
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    const args = ['req', '-x509', ...curve, '-nodes', '-subj', '/CN=localhost', '-keyout', key, '-out', cert];
    assert.equal(spawnSync('openssl', args).status, 0);
    const tower = await startHttpTower(t, { settings: { 'http.cert_file': cert, 'http.key_file': key } });
    const url = urlOf(tower);
    assert.match(url, /^https:/);
    const asker = new Asker(secretKey());
    const registered = await call('python', url, '/register', asker.register('python'));
    assert.equal(registered.kind === 'answer' && registered.status, 200, show(registered));
    const offers = ['1', '2'].map((n) => {
      const asked = asker.add(anAppointment(n));
      return { asked, line: openLine(url), bytes: bytesOf('python', '/add_appointment', url, asked) };
    });
    const [whole, part] = offers;
    assert(whole && part);
    await Promise.all(offers.map(({ line }) => once(line.socket, 'secureConnect')));
    part.line.socket.write(part.bytes.subarray(0, -20));
    whole.line.socket.write(whole.bytes);
    const first = await whole.line.came;
    assert.equal(concluded(tower, clients.pythonPlugin, whole.asked, first), 'accepted', show(first));
    const stopped = tower.stopNode();
    const second = await part.line.came;
    assert.equal(concluded(tower, clients.pythonPlugin, part.asked, second), 'temporarily unreachable', show(second));
    await stopped;
  });
});
