import type { Dialect } from '../signing/receipts.js';
import type { Scheme, SchemeName } from './scheme.js';
import { teosDisplay } from './teos-display.js';
import { teosInternal } from './teos-internal.js';

/** Every scheme there is, by its name. A watched transaction is looked up once under each. */
export const schemes: Readonly<Record<SchemeName, Scheme>> = {
  'teos-display': teosDisplay,
  'teos-internal': teosInternal,
};

const byDialect: Readonly<Record<Dialect, Scheme>> = { python: teosDisplay, rust: teosInternal };

/** The scheme that clients of a dialect hide their appointments with. */
export const schemeOf = (dialect: Dialect): Scheme => byDialect[dialect];
