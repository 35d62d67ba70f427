import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { type NatsConnection, headers as newHeaders } from 'nats';
import { z } from 'zod';
import type { Operation } from '../../actors/gateway/requests.js';
import { packageRoot } from '../../actors/package-root.js';
import type { Dialect } from '../../events/signing/receipts.js';
import { HEADERS, request, send, spellJson } from './http.js';

/** Asking a tower by its doors, and holding every answer against the documents that describe them. */

/** What is asked for: an object, or bytes that need not be one. */
export type Asked = object | string;

/** A door that checks what it gives; it gives the answer's reason, or `granted`, and its body. */
export interface Door {
  readonly name: 'http' | 'nats';
  ask(operation: Operation | 'info', asked: Asked, options?: AskOptions): Promise<Told>;
  /** `register 400 malformed-request`, for each that came. */
  readonly came: ReadonlySet<string>;
}

export interface AskOptions {
  /** How the body is spelt, over HTTP; rust unless told. */
  readonly dialect?: Dialect;
  readonly contentType?: string;
}

export interface Told {
  readonly reason: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const Json = z.record(z.string(), z.unknown());
type Json = z.infer<typeof Json>;

export const documentAt = (file: 'openapi.json' | 'asyncapi.json'): Json =>
  Json.parse(JSON.parse(readFileSync(join(packageRoot, 'docs', file), 'utf8')));

/** What is found by following names, and a `$ref` where one is in the way. */
export function at(document: Json, ...path: readonly string[]): Json {
  const found = path.reduce<Json>((place, name) => resolve(document, Json.parse(place[name])), document);
  return resolve(document, found);
}

function resolve(document: Json, place: Json): Json {
  const { $ref: ref } = place;
  return typeof ref === 'string' ? at(document, ...ref.slice(2).split('/')) : place;
}

/** A schema that lets no property pass which it does not name, so that what is not documented is noticed. */
export function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  return 'properties' in inner && !('additionalProperties' in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}

/** Fails if `value` is not as the schema has it, and nothing more. */
export function assertIs(schema: unknown, value: unknown, what: string): void {
  const shape = Json.parse(closed(schema));
  const text = JSON.stringify(shape);
  const validate = compiled.get(text) ?? ajv.compile(shape);
  compiled.set(text, validate);
  assert.ok(validate(value), `${what}: ${JSON.stringify(value)}: ${ajv.errorsText(validate.errors)}`);
}

const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, allowUnionTypes: true });
/** By their text: to compile a schema takes far longer than to be asked. */
const compiled = new Map<string, ValidateFunction>();

export function httpDoor(url: () => string): Door {
  const document = documentAt('openapi.json');
  const came = new Set<string>();
  const ask: Door['ask'] = async (operation, asked, { dialect = 'rust', contentType } = {}) => {
    assert.ok(operation !== 'info', 'there is no such path');
    const body = typeof asked === 'string' ? asked : spellJson[dialect](asked);
    const head = HEADERS[dialect].map((line) => (contentType ? line.replace('application/json', contentType) : line));
    const { status, headers, body: text } = await send(url(), request('POST', `/${operation}`, head, body));
    const reason = headers.get('argus-reason') ?? 'granted';
    const what = `${operation} ${status} ${reason}`;
    const responses = at(document, 'paths', `/${operation}`, 'post', 'responses');
    assert.ok(String(status) in responses, `${what} is not documented`);
    const answer: unknown = JSON.parse(text);
    const content = ['content', 'application/json', 'schema'];
    assertIs(at(document, 'paths', `/${operation}`, 'post', 'responses', String(status), ...content), answer, what);
    if (status !== 200) {
      const { 'argus-reason': known, 'retry-after': later } = at(responses, String(status), 'headers');
      assertIs(at({ known }, 'known', 'schema'), reason, what);
      const after = headers.get('retry-after');
      assert.equal(after !== undefined, reason === 'rate-limited', what);
      if (after !== undefined) assertIs(at({ later }, 'later', 'schema'), Number(after), what);
    }
    if (status === 200)
      assertIs(at(document, 'paths', `/${operation}`, 'post', 'requestBody', ...content), asked, what);
    came.add(what);
    return { reason, body: Json.parse(answer) };
  };
  return { name: 'http', ask, came };
}

export function natsDoor(nc: NatsConnection): Door {
  const document = documentAt('asyncapi.json');
  const came = new Set<string>();
  const ask: Door['ask'] = async (operation, asked) => {
    const { address } = at(document, 'channels', operation);
    const text = typeof asked === 'string' ? asked : JSON.stringify(asked);
    const message = await nc.request(String(address), text, { timeout: 10_000, headers: newHeaders() });
    const body = Json.parse(message.json());
    const code = message.headers?.get('Nats-Service-Error-Code');
    const reason = code ? String(body.reason) : 'granted';
    const what = `${operation} ${code || 200} ${reason}`;
    const messages = at(document, 'channels', `${operation}_reply`, 'messages');
    const kind = at({ ...document, messages }, 'messages', code ? 'refusal' : 'answer');
    assertIs(at({ ...document, kind }, 'kind', 'payload'), body, what);
    if (code) {
      const names = ['Nats-Service-Error-Code', 'Nats-Service-Error'];
      assertIs(kind.headers, Object.fromEntries(names.map((name) => [name, message.headers?.get(name)])), what);
      assert.equal('retry_after_ms' in body, reason === 'rate-limited', what);
    }
    if (!code) assertIs(at(document, 'channels', operation, 'messages', 'request', 'payload'), asked, what);
    came.add(what);
    return { reason, body };
  };
  return { name: 'nats', ask, came };
}
