import { z } from 'zod';
import { type Operation, shapes } from '../../actors/gateway/requests.js';
import {
  AddAppointmentAnswer,
  DeleteAppointmentAnswer,
  GetAppointmentAnswer,
  InfoAnswer,
  RegisterAnswer,
  SubscriptionInfoAnswer,
} from '../../actors/wire.js';
import { AppointmentProof } from '../../events/proofs/appointment-proof.js';
import { type Refused, refusalsOf } from './refusals.js';

/** The shapes of requests and answers as JSON Schema, made of the shapes that the tower reads and its clients check. */

export type Json = { readonly [name: string]: unknown };

/** Of what a client sends. Fields that are not named are ignored, on both sides. */
export const schemaOf = (shape: z.ZodType): Json => {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' });
  return plain(schema);
};

/** Without what is there for zod alone. */
const plain = (value: unknown): Json =>
  JSON.parse(JSON.stringify(value, (name, inner) => (name.startsWith('~') ? undefined : inner)));

/** What each operation is, and what is given when it is granted. */
export const operationsOf: Readonly<Record<Operation, { readonly summary: string; readonly answer: z.ZodType }>> = {
  register: { summary: 'Begin a subscription, or add to it', answer: RegisterAnswer },
  add_appointment: { summary: 'Entrust the tower with an appointment, or replace one', answer: AddAppointmentAnswer },
  delete_appointment: {
    summary: 'Have the tower forget an appointment before any breach',
    answer: DeleteAppointmentAnswer,
  },
  get_appointment: {
    summary: 'An appointment as the tower has it, or the breach that it answers',
    answer: GetAppointmentAnswer,
  },
  get_proof: { summary: "Proof that an appointment is on the tower's signed log", answer: AppointmentProof },
  get_subscription_info: {
    summary: 'What is left of a subscription, and the locators in it',
    answer: SubscriptionInfoAnswer,
  },
};

export const infoSchema = (): Json => schemaOf(InfoAnswer);

/** `AddAppointment` */
export const nameOf = (operation: string): string =>
  operation.replace(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase());

/** The schemas of all requests and granted answers, by name: `RegisterRequest`, `RegisterAnswer`, ... */
export const namedSchemas = (): Json =>
  Object.fromEntries(
    Object.entries(operationsOf).flatMap(([operation, { answer }]) => [
      [`${nameOf(operation)}Request`, schemaOf(shapes[operation as Operation])],
      [`${nameOf(operation)}Answer`, schemaOf(answer)],
    ]),
  );

/** The refusals of an operation by their status, ascending. */
export function refusalsByStatus(operation: Operation): ReadonlyMap<number, readonly Refused[]> {
  const all = refusalsOf(operation);
  const statuses = [...new Set(all.map(({ status }) => status))].sort((a, b) => a - b);
  return new Map(statuses.map((status) => [status, all.filter((one) => one.status === status)]));
}

/** What has no error in it is python's answer for whatever cannot be found or shown. */
const isNotFound = ({ body }: Refused): boolean => !('error' in body);

const unique = <T>(list: readonly T[]): T[] => [...new Set(list)];

/** A sentence for people. */
const SENTENCE: Json = { type: 'string', description: 'A sentence for people' };

/** The body of such refusals; over NATS it also says why, and when to come again. */
export function errorSchema(refusals: readonly Refused[], door: 'http' | 'nats'): Json {
  const errors = refusals.filter((one) => !isNotFound(one));
  const codes = unique(errors.flatMap(({ code }) => code ?? [])).sort((a, b) => a - b);
  const hasCode = errors.every(({ code }) => code !== undefined);
  const [more, always] = door === 'nats' ? [whyOf(refusals), ['reason']] : [{}, []];
  const error: Json = {
    type: 'object',
    properties: {
      error: SENTENCE,
      ...(codes.length > 0 && { error_code: { type: 'integer', enum: codes } }),
      ...more,
    },
    required: ['error', ...(hasCode ? ['error_code'] : []), ...always],
  };
  if (errors.length === refusals.length) return error;
  const properties = { locator: { description: 'As it was sent' }, status: { const: 'not_found' }, ...more };
  const notFound: Json = {
    type: 'object',
    properties: { ...(door === 'nats' && { error: SENTENCE }), ...properties },
    required: [...(door === 'nats' ? ['error'] : []), 'locator', 'status', ...always],
  };
  return errors.length === 0 ? notFound : { anyOf: [error, notFound] };
}

const whyOf = (refusals: readonly Refused[]): Json => ({
  reason: { type: 'string', enum: reasonsOf(refusals), description: 'Why, in words that do not depend on the dialect' },
  retry_after_ms: { type: 'integer', minimum: 0, description: 'With `rate-limited`' },
});

export const reasonsOf = (refusals: readonly Refused[]): string[] =>
  unique(refusals.map(({ reason }) => reason)).sort();

/** `malformed-request (rust 3, 4, 5; python -33)` for each reason. */
export const reasonsText = (refusals: readonly Refused[]): string =>
  reasonsOf(refusals)
    .map((reason) => `\`${reason}\` (${dialectsText(refusals.filter((one) => one.reason === reason))})`)
    .join(', ');

const dialectsText = (refusals: readonly Refused[]): string =>
  unique(refusals.map(({ dialect }) => dialect))
    .map((dialect) => {
      const codes = unique(refusals.filter((one) => one.dialect === dialect).flatMap(({ code }) => code ?? []));
      return [dialect, codes.sort((a, b) => a - b).join(', ')].join(' ').trim();
    })
    .join('; ');
