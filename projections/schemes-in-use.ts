import type { Scheme, SchemeName } from '../events/schemes/scheme.js';
import { schemes } from '../events/schemes/schemes.js';

const ALL: readonly Scheme[] = Object.values(schemes);

/** The schemes that appointments were ever hidden with: a transaction need be looked up under no other. */
export class SchemesInUse implements Iterable<Scheme> {
  #schemes: readonly Scheme[];

  constructor(names: readonly SchemeName[] = []) {
    this.#schemes = ALL.filter(({ name }) => names.includes(name));
  }

  get names(): readonly SchemeName[] {
    return this.#schemes.map(({ name }) => name);
  }

  get count(): number {
    return this.#schemes.length;
  }

  [Symbol.iterator](): Iterator<Scheme> {
    return this.#schemes[Symbol.iterator]();
  }

  /** An appointment comes that is hidden with this one; it may be any if none is named. */
  add(name: SchemeName | undefined): void {
    if (this.#schemes.length === ALL.length || this.#schemes.some((scheme) => scheme.name === name)) return;
    this.#schemes = ALL.filter(
      (scheme) => name === undefined || scheme.name === name || this.#schemes.includes(scheme),
    );
  }
}
