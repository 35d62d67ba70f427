import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from './package-root.js';

const Manifest = z.object({ version: z.string() });

/** This program's version, from its package. */
export const { version } = Manifest.parse(JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')));
