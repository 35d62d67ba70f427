import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { secp256k1 } from '../../../events/signing/secp256k1.js';
import { loadNativeSecp256k1 } from '../../../events/signing/secp256k1-native.js';
import { nobleSecp256k1 } from '../../../events/signing/secp256k1-noble.js';

const require = createRequire(import.meta.url);
const packageFolder = dirname(require.resolve('secp256k1/package.json'));
const hasPrebuilt = existsSync(join(packageFolder, 'prebuilds', `${process.platform}-${process.arch}`));

describe('the curve in use', () => {
  test('is native wherever a prebuilt binary is shipped', { skip: !hasPrebuilt && 'no prebuilt binary here' }, () => {
    assert.equal(secp256k1.name, 'libsecp256k1 (native)');
    const loaded = Object.keys(require.cache).filter((file) => file.startsWith(packageFolder));
    assert.ok(
      loaded.some((file) => file.endsWith('.node')),
      'a binary is loaded',
    );
    assert.ok(!loaded.some((file) => file.includes('elliptic')), "and not the package's JavaScript");
  });

  test('is noble where the binding does not load', () => {
    const native = loadNativeSecp256k1(() => {
      throw new Error('No native build was found');
    });
    assert.equal(native, undefined);
    assert.equal(nobleSecp256k1.name, '@noble/secp256k1 (JavaScript)');
  });
});
