import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NatsConnection } from 'nats';
import type { AuditSource } from '../../../actors/auditor/audit-source.js';
import { followed } from '../../../actors/auditor/followed-log.js';
import { openLiveSource } from '../../../actors/auditor/live-source.js';
import { type RebuildNeeds, rebuildStream } from '../../../events/log/rebuild-stream.js';
import { headTower } from '../../fixtures/stored-heads.js';
import { argus } from '../../support/argus.js';
import { auditorsWay } from '../../support/auditor-command.js';
import { shard, userCommit } from '../../support/log.js';
import { never } from '../../support/made-up-log.js';
import { COUNT, CUT, startUntrimmedLog, wanted } from '../../support/trimmed-log.js';

type Jsm = RebuildNeeds['jsm'];

/** Where a trim stands still, as if it had been killed there: what is done of it goes by `halt`, which never comes back. */
const STAGES: Readonly<Record<string, (halt: () => Promise<never>, jsm: Jsm) => Partial<RebuildNeeds>>> = {
  'is frozen': (halt) => ({ frozen: halt }),
  'is not there': (halt, { streams }) => ({
    jsm: {
      streams: {
        info: (...given) => streams.info(...given),
        update: (...given) => streams.update(...given),
        delete: (...given) => streams.delete(...given),
        add: (config) => (config.name === 'TOWER_0' ? halt() : streams.add(config)),
      },
    },
  }),
  'is a mirror of its copy': (halt) => ({ compare: halt }),
};

/** Trims a log up to where `halting` has it stand still. */
async function trimUntil(needs: (more?: Partial<RebuildNeeds>) => RebuildNeeds, halting: (typeof STAGES)[string]) {
  await new Promise<void>((resolve, reject) => {
    const halt = () => {
      resolve();
      return new Promise<never>(() => {});
    };
    rebuildStream(needs(halting(halt, needs().jsm))).then(() => reject(new Error('it came to its end')), reject);
  });
}

async function count(source: AuditSource, from: number): Promise<number> {
  let found = 0;
  for await (const batch of source.read('TOWER_0', from, COUNT, never)) found += batch.length;
  return found;
}

const TRIMMING = { code: 'log-unavailable', message: /^TOWER_0 is being trimmed: .*argus archive FOLDER --trim/ };

describe('a log that is being trimmed', () => {
  for (const [stage, halting] of Object.entries(STAGES))
    test(`is not called wrong while its stream ${stage}`, async (t) => {
      const { nats, log, needs } = await startUntrimmedLog(t);
      const source = await openLiveSource(await nats.connect('auditor'), nats.auditorSeed);
      await trimUntil(needs, halting);
      await assert.rejects(source.tail('TOWER_0'), TRIMMING);
      await assert.rejects(async () => source.cut?.('TOWER_0'), TRIMMING);
      if (stage === 'is a mirror of its copy') await assert.rejects(count(source, 1), TRIMMING);
      const audited = await argus(['audit', 'verify', '--tower', headTower, ...auditorsWay(t, nats)]);
      assert.deepEqual([audited.status, audited.stdout], [3, '']);
      assert.match(audited.stderr, /^argus: TOWER_0 is being trimmed: /);

      const stop = new AbortController();
      let waits = 0;
      const onWait = ({ message }: Error) => {
        if (waits++ > 0) return;
        assert.match(message, TRIMMING.message);
        void rebuildStream(needs()).then(() => log.append(userCommit('late'), { shard, expected: 0, patience: 5_000 }));
      };
      const options = { isWanted: () => true, onWait, signal: stop.signal, retryMs: 100 };
      for await (const [one] of followed(source, [{ stream: 'TOWER_0', shard, after: COUNT }], options)) {
        assert.equal(one?.row.position, COUNT + 1);
        stop.abort();
      }
      assert.ok(waits > 0);
      assert.deepEqual([await source.tail('TOWER_0'), await source.cut?.('TOWER_0')], [COUNT + 1, CUT]);
      assert.equal(await count(source, CUT + 1), COUNT - CUT);
      await assert.rejects(count(source, 1), { code: 'trimmed' });
      await source.close();
    });

  test('is not called wrong where that came to its end between two looks', async (t) => {
    const { nats, jsm, needs } = await startUntrimmedLog(t);
    await trimUntil(needs, STAGES['is not there'] ?? assert.fail());
    // As a mirror that nothing has come to yet.
    await jsm.streams.add({ ...wanted, metadata: { 'argus.trimming': String(CUT) } });
    const nc = await nats.connect('auditor');
    const finishing: NatsConnection = Object.create(nc, {
      request: {
        value: async (...given: Parameters<NatsConnection['request']>) => {
          if (given[0].endsWith('.info.TOWER_0')) {
            await jsm.streams.delete('TOWER_0');
            await rebuildStream(needs());
          }
          return nc.request(...given);
        },
      },
    });
    const source = await openLiveSource(finishing, nats.auditorSeed);
    await assert.rejects(count(source, CUT + 1), {
      code: 'log-unavailable',
      message: `message ${CUT + 1} of TOWER_0 was not there for a moment: try again`,
    });
    assert.equal(await count(source, CUT + 1), COUNT - CUT);
    await source.close();
  });

  test('is called wrong if it is gone, and no copy is there', async (t) => {
    const { nats, jsm } = await startUntrimmedLog(t);
    await jsm.streams.delete('TOWER_0');
    const source = await openLiveSource(await nats.connect('auditor'), nats.auditorSeed);
    assert.equal(await source.tail('TOWER_0'), 0);
    await source.close();
  });
});
