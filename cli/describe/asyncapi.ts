import { type Operation, operations } from '../../actors/gateway/requests.js';
import { version } from '../../actors/version.js';
import { ERROR_CODE_HEADER, publicSubjects, REQUEST_ID_HEADER } from '../../actors/wire.js';
import { refusalsOf } from './refusals.js';
import { errorSchema, infoSchema, type Json, namedSchemas, nameOf, operationsOf, reasonsText } from './schemas.js';

/** The NATS door as an AsyncAPI 3.0 document: a subject for each operation, and the reply that comes to the client's inbox. */
export const asyncApi = (): Json => ({
  asyncapi: '3.0.0',
  info: {
    title: 'Argus, a Lightning watchtower: NATS',
    version,
    description:
      'Request and reply over NATS; the tower is the NATS service `argus`. docs/protocol.md says what the fields mean, what is signed, and how a client connects: it signs in with an nkey of its own, and its inboxes begin with `_INBOX_<its nkey>`. `argus.v1.info` may be asked without. Fields that are not named here are ignored, and may come.',
  },
  defaultContentType: 'application/json',
  servers: {
    tower: {
      host: '127.0.0.1:4222',
      protocol: 'nats',
      description: 'TLS and websockets where the tower has a certificate',
    },
  },
  channels: Object.assign({}, ...names.map((name) => channelsOf(name))),
  operations: Object.fromEntries(names.map((name) => [name, operationOf(name)])),
  components: { schemas: { ...namedSchemas(), InfoRequest: { type: 'object' }, InfoAnswer: infoSchema() } },
});

const INFO = 'info';
const names: readonly Name[] = [...operations, INFO];
type Name = Operation | typeof INFO;

const ref = (...path: string[]): Json => ({ $ref: `#/${path.join('/')}` });
const replyOf = (name: Name): string => `${name}_reply`;

function channelsOf(name: Name): Json {
  const schema = (kind: string) => ref('components', 'schemas', `${nameOf(name)}${kind}`);
  return {
    [name]: { address: publicSubjects[name], messages: { request: { payload: schema('Request') } } },
    [replyOf(name)]: {
      address: null,
      description: "The client's inbox, which the request names",
      messages: {
        answer: { headers: { type: 'object', properties: requestId }, payload: schema('Answer') },
        ...(name !== INFO && { refusal: refusalOf(name) }),
      },
    },
  };
}

const requestId: Json = {
  [REQUEST_ID_HEADER]: { type: 'string', description: "What the request is called in the logs of the tower's nodes" },
};

/** A refusal's body says why, which over HTTP a header does; what NATS services have in common is in the headers. */
function refusalOf(operation: Operation): Json {
  const refusals = refusalsOf(operation);
  const statuses = [...new Set(refusals.map(({ status }) => String(status)))].sort();
  return {
    summary: `Refused: ${reasonsText(refusals)}`,
    headers: {
      type: 'object',
      properties: {
        [ERROR_CODE_HEADER]: { type: 'string', enum: statuses, description: 'The status that HTTP would have' },
        'Nats-Service-Error': { type: 'string', description: 'A sentence for people' },
        ...requestId,
      },
      required: [ERROR_CODE_HEADER, 'Nats-Service-Error'],
    },
    payload: errorSchema(refusals, 'nats'),
  };
}

const operationOf = (name: Name): Json => ({
  action: 'receive',
  channel: ref('channels', name),
  summary: name === INFO ? 'What a client needs to know before it registers' : operationsOf[name].summary,
  messages: [ref('channels', name, 'messages', 'request')],
  reply: {
    channel: ref('channels', replyOf(name)),
    messages: ['answer', ...(name === INFO ? [] : ['refusal'])].map((kind) =>
      ref('channels', replyOf(name), 'messages', kind),
    ),
  },
  bindings: { nats: { queue: 'argus', bindingVersion: '0.1.0' } },
});
