import { type BrowserContext, chromium } from 'playwright-core';
import { type Cleanup, tempDir } from './temp-dir.js';

/** The browser that the tests are given; undefined where there is none. */
export const BROWSER = process.env.CHROMIUM;

/** Opens an empty page in a browser of its own, without a window; `complaints` is what went wrong in it. */
export async function openPage(t: Cleanup, width = 1100, height = 900, colorScheme: 'light' | 'dark' = 'light') {
  let context: BrowserContext | undefined;
  t.after(() => context?.close()); // registered before the profile's removal, hence run before it
  context = await chromium.launchPersistentContext(tempDir(t), {
    ...(BROWSER && { executablePath: BROWSER }),
    headless: true,
    viewport: { width, height },
    colorScheme,
    args: [
      '--no-sandbox',
      '--no-zygote',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, complaints };
}
