import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageRoot } from '../package-root.js';

/** A file that is served to browsers, as it is. */
export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
}

const JS = 'text/javascript; charset=utf-8';
const CSS = 'text/css; charset=utf-8';

/** The page's own files, in `actors/web/browser`. */
const OWN: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'style.css': CSS,
  'icon.svg': 'image/svg+xml',
  'main.js': JS,
  'dom.js': JS,
  'glance.js': JS,
  'feed.js': JS,
  'timeline.js': JS,
  'past.js': JS,
};

/** Those of the library for charts. */
const CHARTS: Readonly<Record<string, string>> = { 'uPlot.esm.js': JS, 'uPlot.min.css': CSS };

/** Every file that the page is made of, by its path; read once. */
export function readAssets(): ReadonlyMap<string, Asset> {
  const charts = join(dirname(createRequire(import.meta.url).resolve('uplot/package.json')), 'dist');
  return new Map([
    ...Object.entries(OWN).map(
      ([name, type]) =>
        [
          `/${name === 'index.html' ? '' : name}`,
          read(join(packageRoot, 'actors', 'web', 'browser', name), type),
        ] as const,
    ),
    ...Object.entries(CHARTS).map(([name, type]) => [`/${name}`, read(join(charts, name), type)] as const),
  ]);
}

const read = (file: string, type: string): Asset => ({ type, bytes: readFileSync(file) });
