import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../actors/package-root.js';
import { startTestTower, untilLevel } from '../support/tower.js';

/** What Prometheus adds by itself, and what another exporter shows. */
const OF_OTHERS = new Set(['up', 'node_filesystem_avail_bytes']);
/** Functions, operators and labels of PromQL that the files use. */
const WORDS = new Set(
  'sum max min or by on group_right changes rate increase predict_linear histogram_quantile shard job le instance outcome operation topic waits_for'.split(
    ' ',
  ),
);

const read = (file: string): string => readFileSync(join(packageRoot, 'docs', 'monitoring', file), 'utf8');

/** The metrics that an expression speaks of. */
function metricsIn(expression: string): string[] {
  const bare = expression.replace(/"[^"]*"/g, '').replace(/\[\w+\]/g, '');
  return (bare.match(/[a-z_]\w*/g) ?? []).filter((word) => !WORDS.has(word) && !OF_OTHERS.has(word));
}

test('the alert rules and the dashboard speak of metrics that a node shows', async (t) => {
  const tower = await startTestTower(t, { settings: { 'metrics.listen': '127.0.0.1:0' } });
  await untilLevel(() => tower.node, tower.chain);
  const shown = await (await fetch(`${tower.node.metricsUrl}/metrics`)).text();
  const names = new Set(shown.split('\n').flatMap((line) => /^([a-z_]\w*)[ {]/.exec(line)?.[1] ?? []));
  const rules = Array.from(read('alerts.yml').matchAll(/^ +expr: (.+)$/gm), ([, expression = '']) => expression);
  const board: { panels: { targets: { expr: string }[] }[] } = JSON.parse(read('dashboard.json'));
  const panels = board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  assert.ok(rules.length > 10 && panels.length > 15);
  for (const expression of [...rules, ...panels])
    for (const metric of metricsIn(expression)) assert.ok(names.has(metric), `${metric} in ${expression}`);
});
