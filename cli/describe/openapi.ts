import { type Operation, operations } from '../../actors/gateway/requests.js';
import { version } from '../../actors/version.js';
import type { Refused } from './refusals.js';
import {
  errorSchema,
  type Json,
  namedSchemas,
  nameOf,
  operationsOf,
  reasonsOf,
  reasonsText,
  refusalsByStatus,
} from './schemas.js';

/** The HTTP door as an OpenAPI 3.1 document. */
export const openApi = (): Json => ({
  openapi: '3.1.0',
  info: {
    title: 'Argus, a Lightning watchtower: HTTP',
    version,
    summary: 'The TEOS protocol, of both generations of clients',
    description:
      'docs/protocol.md says what the fields mean, what is signed, and how the two generations (dialects) differ. No answer is anything but JSON. Fields that are not named here are ignored, and may come.',
    license: { name: 'See the repository' },
  },
  servers: [
    { url: 'http://127.0.0.1:9814', description: 'Where a tower listens unless configured otherwise; over TLS, https' },
  ],
  paths: {
    '/ping': {
      get: {
        operationId: 'ping',
        summary: 'Whether the tower takes requests',
        responses: { 200: { description: 'It does. The body is empty' } },
      },
    },
    ...Object.fromEntries(operations.map((operation) => [`/${operation}`, { post: postOf(operation) }])),
  },
  components: { schemas: namedSchemas() },
});

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const asJson = (schema: Json, examples?: Json): Json => ({
  'application/json': { schema, ...(examples && { examples }) },
});

const postOf = (operation: Operation): Json => ({
  operationId: operation,
  summary: operationsOf[operation].summary,
  requestBody: { required: true, content: asJson(ref(`${nameOf(operation)}Request`)) },
  responses: {
    200: { description: 'Granted', headers: requestId, content: asJson(ref(`${nameOf(operation)}Answer`)) },
    ...Object.fromEntries([...refusalsByStatus(operation)].map(([status, refusals]) => [status, refusedOf(refusals)])),
  },
});

const requestId: Json = {
  'x-request-id': {
    description: "What the request is called in the logs of the tower's nodes: tell the operator",
    required: true,
    schema: { type: 'string' },
  },
};

const refusedOf = (refusals: readonly Refused[]): Json => ({
  description: `Refused: ${reasonsText(refusals)}`,
  headers: {
    ...requestId,
    'argus-reason': {
      description: 'Why, in words that do not depend on the dialect',
      required: true,
      schema: { type: 'string', enum: reasonsOf(refusals) },
    },
    ...(reasonsOf(refusals).includes('rate-limited') && {
      'retry-after': {
        description: 'With `rate-limited`: after how many seconds',
        schema: { type: 'integer', minimum: 0 },
      },
    }),
  },
  content: asJson(errorSchema(refusals, 'http'), examplesOf(refusals)),
});

/** One of each reason and dialect. */
const examplesOf = (refusals: readonly Refused[]): Json =>
  Object.fromEntries(refusals.map(({ reason, dialect, body }) => [`${reason}.${dialect}`, { value: body }]));
