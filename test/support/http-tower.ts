import assert from 'node:assert/strict';
import { freePorts } from '../../cli/servers/ports.js';
import type { Appointment } from '../../events/signing/appointment.js';
import type { Cleanup } from './temp-dir.js';
import { type Client, type Conclusion, clients, conclude } from './teos-clients.js';
import { newPlugin, type Plugin } from './teos-plugins.js';
import { type Asker, bytesOf, type Came, exchange } from './teos-requests.js';
import { secretKey, startTestTower, type TestTower, type TestTowerOptions } from './tower.js';

/** A whole tower with an HTTP door, and what clients say to it and conclude from it. */

/** On a port that no outgoing connection is given, so that it is free again after a pause. */
export async function startHttpTower(t: Cleanup, { settings, ...options }: TestTowerOptions = {}): Promise<TestTower> {
  const [port] = await freePorts(1);
  return startTestTower(t, { settings: { 'http.listen': `127.0.0.1:${port}`, ...settings }, ...options });
}

export const urlOf = ({ node }: Pick<TestTower, 'node'>): string => node.httpUrls[0] ?? assert.fail('no HTTP door');

/** A plugin of the rust or the python generation that has registered with the tower. */
export async function registeredPlugin(tower: TestTower, kind: 'rustPlugin' | 'pythonPlugin'): Promise<Plugin> {
  const url = urlOf(tower);
  const plugin = newPlugin(kind, { url: () => url, towerId: tower.key.towerId, secret: secretKey() });
  assert.ok(await plugin.register());
  return plugin;
}

/** What a client concludes about an appointment from what comes back for it. */
export async function offer(
  tower: TestTower,
  client: Client,
  asker: Asker,
  appointment: Appointment,
  url = urlOf(tower),
): Promise<{ readonly conclusion: Conclusion; readonly came: Came }> {
  const asked = asker.add(appointment);
  const came = await exchange(url, bytesOf(client.dialect, '/add_appointment', url, asked));
  return { conclusion: concluded(tower, client, asked, came), came };
}

export const concluded = (tower: TestTower, client: Client, asked: { signature: string }, came: Came): Conclusion =>
  conclude(client, came, { towerId: tower.key.towerId, signature: asked.signature });

/** How often each thing came back. */
export function tally(all: readonly Came[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const came of all) {
    const name = came.kind === 'answer' ? String(came.status) : came.kind;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Those who hold appointments by the thousand, and cannot ask anybody. */
export const both: readonly [Client, Client] = [clients.rustPlugin, clients.pythonPlugin];
