import fc from 'fast-check';
import { mostBytes, type Operation, operations } from '../../actors/gateway/requests.js';
import { deleteAppointmentRequest, getProofRequest } from '../../events/signing/appointment.js';
import { signMessage } from '../../events/signing/message.js';
import { locator as locatorOf } from '../fixtures/ids.js';
import type { Chance } from '../model/chance.js';
import { Asker, anAppointment } from '../support/teos-requests.js';
import { mutated, noise } from './bytes.js';
import { objectLike, value } from './json.js';
import { oneOf, SEED } from './settings.js';

/** Requests of every operation that are almost in order, and some that are, signed by one user. */

export interface Shot {
  readonly operation: Operation;
  readonly body: Buffer;
}

/** Texts to each operation, made once: what is done to their bytes afterwards is different each time. */
const TEXTS = 1_500;

export class Shots {
  readonly #texts: ReadonlyMap<Operation, readonly string[]>;

  constructor(
    private readonly chance: Chance,
    secret: Uint8Array,
  ) {
    const all = operations.map((operation, i): [Operation, string[]] => [
      operation,
      fc.sample(requestLike(operation, secret), { seed: SEED + i, numRuns: TEXTS }),
    ]);
    this.#texts = new Map(all);
  }

  next(): Shot {
    const { chance } = this;
    const operation = oneOf(chance, operations);
    return { operation, body: this.#body(operation) };
  }

  #body(operation: Operation): Buffer {
    const { chance } = this;
    if (chance.oneIn(20)) return noise(chance, 300);
    if (chance.oneIn(2_000)) return Buffer.alloc(mostBytes(operation, 65_536) + chance.below(3) - 1, '[');
    const text = Buffer.from(oneOf(chance, this.#texts.get(operation) ?? []));
    return chance.oneIn(3) ? mutated(text, chance) : text;
  }
}

const text = (json: unknown): string => JSON.stringify(json);

function requestLike(operation: Operation, secret: Uint8Array): fc.Arbitrary<string> {
  const asker = new Asker(secret);
  const appointment = anAppointment('1');
  const add = asker.add(appointment);
  const { locator, encrypted_blob: blob, to_self_delay: delay } = add.appointment;
  const signature = text(Object.entries(asker.subscription())[0]?.[1]);
  const sign = (message: Uint8Array) => text(signMessage(message, secret));
  const get = objectLike({ locator: text(locator), signature });
  const other = locatorOf('never added');
  const proof = sign(getProofRequest(locator));
  const whole = {
    // Never in order: each that is granted is another commit, and the log is not what is tried here.
    register: fc.oneof(
      objectLike({ user_id: text(`${asker.userId.slice(0, -2)}zz`) }),
      value.map((key) => `{"user_id":${key}}`),
      value.map((key) => `{"public_key": ${key}}`),
    ),
    add_appointment: fc.oneof(
      objectLike({ locator: text(locator), encrypted_blob: text(blob), to_self_delay: text(delay) }).chain((inner) =>
        objectLike({ appointment: inner, signature: text(add.signature) }),
      ),
      objectLike({ appointment: text(add.appointment), signature }),
    ),
    delete_appointment: fc.oneof(
      objectLike({ locator: text(locator), receipt: text(add.signature), signature }),
      // Of what was never added: else each that is granted is a commit, and the log is not what is tried here.
      objectLike({ locator: text(other), signature: sign(deleteAppointmentRequest(other, null)) }),
    ),
    get_appointment: fc.oneof(get, fc.constant(text(asker.get(locator as typeof appointment.locator)))),
    get_proof: objectLike({ locator: text(locator), signature: proof, size: '1', from: '9007199254740991' }),
    get_subscription_info: objectLike({ signature }),
  };
  return fc.oneof({ weight: 8, arbitrary: whole[operation] }, { weight: 1, arbitrary: value });
}
