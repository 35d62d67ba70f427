import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { WebToken } from '../../actors/web-token.js';
import { mineEach, startGuard } from '../support/breach.js';
import { BROWSER, openPage } from '../support/browser.js';
import { tempDir } from '../support/temp-dir.js';
import { untilLevel } from '../support/tower.js';

/** The operator's page in a real browser, on a real tower. */

const settings = { 'web.listen': '127.0.0.1:0' };

describe('the web page', { skip: BROWSER === undefined && 'no browser (CHROMIUM)' }, () => {
  test('shows a breach while it happens, its timeline, and the past; on a telephone too', async (t) => {
    const { tower, client, guard } = await startGuard(t, { settings });
    const breach = await guard();
    for (let others = 0; others < 2; others++) await guard();
    await mineEach(tower, []);
    await untilLevel(() => tower.node, tower.chain);
    const { page, complaints } = await openPage(t);
    const url = tower.node.webUrl ?? assert.fail('no page');
    await page.goto(`${url}/login?token=${WebToken.of(tower.config.data).text}`);
    assert.equal(page.url(), `${url}/`, 'the token does not stay in the address');
    await page.getByText('All is well').waitFor();
    await page.getByText('No breach is being answered.').waitFor();
    const before = await tower.chain.height();
    await page.evaluate(() => Object.assign(globalThis, { isSamePage: true }));

    await mineEach(tower, [breach.disputeTx]);
    await page.locator('.tracker').waitFor({ timeout: 8_000 });
    await page.locator('#feed .event').filter({ hasText: 'breach detected' }).waitFor();
    await page.getByText(`breach, block ${before + 1}`).waitFor();
    await breach.untilSeen('PenaltyBroadcast');
    await mineEach(tower, [breach.penaltyTx], [], []);
    await page.getByText('3 of 100 deep').waitFor();
    assert.equal(await page.evaluate(() => 'isSamePage' in globalThis), true, 'nothing was loaded anew');
    await page.screenshot({ path: join(shots(t), 'web-page.png'), fullPage: true });

    await page.locator('#sought').fill(breach.penaltyTxid);
    await page.keyboard.press('Enter');
    await page.locator('#timeline').waitFor();
    const told = await page.locator('#timeline > li').allInnerTexts();
    const expected = ['accepted', 'breach detected', 'broadcast', 'confirmed'];
    assert.deepEqual(
      told.map((line) => expected.find((word) => line.includes(word))),
      expected,
    );
    await page.screenshot({ path: join(shots(t), 'timeline.png'), fullPage: true });
    await page.goto(`${url}/#/of/${client.userId}`);
    await page.getByText('registered (rust)').waitFor();
    await page.goto(`${url}/#/of/nothing`);
    await page.getByText('that is not a user id').waitFor();
    assert.equal(complaints.splice(0).length, 1, 'the browser tells of the refusal');

    await page.goto(`${url}/#/past`);
    await page.locator('#then[data-height]').waitFor();
    await page.locator('#chart-appointments canvas').waitFor();
    const tip = await tower.chain.height();
    await page.getByText(`After block ${tip}`).waitFor();
    await page.getByText('3 of 100 deep').waitFor();
    await page.screenshot({ path: join(shots(t), 'past.png'), fullPage: true });
    await page.locator('#height').focus();
    for (let height = tip; height > before; height--) await page.keyboard.press('ArrowLeft');
    await page.getByText(`After block ${before}`).waitFor();
    await page.getByText('No breach was being answered.').waitFor();
    await page.getByText(`${before}: 1 users, 3 appointments, 0 open trackers`).waitFor();

    await page.setViewportSize({ width: 390, height: 800 });
    for (const view of ['', 'past', `of/${breach.disputeTxid}`]) {
      await page.goto(`${url}/#/${view}`);
      await page.locator(view === '' ? '.tracker' : view === 'past' ? '#then[data-height]' : '#timeline').waitFor();
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.screenshot({ path: join(shots(t), `telephone-${view.split('/')[0] || 'now'}.png`), fullPage: true });
      const width = await page.evaluate('document.documentElement.scrollWidth');
      assert.ok(Number(width) <= 390, `${view}: ${width} wide`);
    }
    assert.deepEqual(complaints, []);
  });

  test('without the token says what to do, and nothing of the tower', async (t) => {
    const { tower } = await startGuard(t, { settings });
    const { page, complaints } = await openPage(t);
    const url = tower.node.webUrl ?? assert.fail('no page');
    const answer = await page.goto(`${url}/login?token=${'0'.repeat(64)}`);
    assert.equal(answer?.status(), 401);
    await page.getByText('argus web').waitFor();
    assert.ok(!(await page.content()).includes(tower.key.towerId));
    await page.getByLabel('Token').fill(WebToken.of(tower.config.data).text);
    await page.getByRole('button').click();
    await page.getByText('All is well').waitFor();

    await page.goto(`${url}/#/of/${encodeURIComponent('<img src=x onerror="isHacked=1">')}`);
    await page.getByText('that is not a user id').waitFor();
    assert.equal(await page.locator('#view img').count(), 0, 'text is no markup');
    await page.evaluate(`{
      const script = document.createElement('script');
      script.textContent = 'globalThis.isHacked = 1';
      document.body.append(script);
      document.body.append(Object.assign(document.createElement('img'), { src: 'https://example.com/x.png' }));
    }`);
    assert.equal(await page.evaluate("'isHacked' in globalThis"), false, 'and if it were, its script would not run');
    assert.ok(
      complaints.some((text) => text.includes('https://example.com/x.png')),
      'nor is anything loaded',
    );
  });
});

/** Where pictures go: `ARGUS_TEST_SHOTS`, or away. */
const shots = (t: Parameters<typeof tempDir>[0]): string => process.env.ARGUS_TEST_SHOTS ?? tempDir(t);
