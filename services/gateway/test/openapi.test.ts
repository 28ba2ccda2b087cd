import { REFUSAL_CODES } from '@countersign/binding';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import Schema from 'typebox/schema';
import { GATEWAY_CODES, STATUS_OF } from '../src/index.ts';
import { GatewayBench } from './testing/gateway-bench.ts';

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: object }>>;
  };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly content?: Readonly<Record<string, { readonly schema: object }>>;
      }
    >
  >;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let bench: GatewayBench;
let document: Document;
beforeAll(async () => {
  bench = await GatewayBench.start();
  const { status, body } = await bench.send({ url: '/openapi.json' });
  expect(status).toBe(200);
  document = body as unknown as Document;
});
afterAll(async () => {
  await bench.close();
});

function operations(): [string, Operation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

const ROUTES = [
  'DELETE /v1/session',
  'GET /healthz',
  'GET /metrics',
  'GET /readyz',
  'GET /v1/actions',
  'GET /v1/actions/{id}',
  'GET /v1/actions/{id}/entries',
  'GET /v1/actions/{id}/events',
  'GET /v1/actions/{id}/evidence',
  'GET /v1/actions/{id}/review',
  'GET /v1/agents',
  'GET /v1/bindings',
  'GET /v1/credentials',
  'GET /v1/executors',
  'GET /v1/findings',
  'GET /v1/inbox',
  'GET /v1/inputs/{digest}',
  'GET /v1/inputs/{digest}/receipt',
  'GET /v1/ledger',
  'GET /v1/log/checkpoint',
  'GET /v1/log/consistency',
  'GET /v1/log/cose-receipt',
  'GET /v1/log/entries',
  'GET /v1/log/inclusion',
  'GET /v1/log/receipt',
  'GET /v1/log/tiles/checkpoint',
  'GET /v1/persons',
  'GET /v1/policies',
  'GET /v1/reports/decisions',
  'GET /v1/session',
  'GET /v1/status',
  'GET /v1/trust',
  'GET /v1/uses/{short_id}',
  'POST /v1/decisions',
  'POST /v1/enrolments',
  'POST /v1/enrolments/options',
  'POST /v1/erasures',
  'POST /v1/findings',
  'POST /v1/reports',
  'POST /v1/requests',
  'POST /v1/session',
  'POST /v1/session/options',
  'POST /v1/uses',
];

describe('the OpenAPI document', () => {
  test('is 3.1, and lists every route', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'Countersign gateway', version: '0.0.0-test' });
    expect(
      operations()
        .map(([name]) => name)
        .filter((name) => !name.startsWith('HEAD '))
        .sort(),
    ).toEqual(ROUTES);
  });

  test('gives every operation a summary, a tag, an answer, and problems as problem+json', () => {
    for (const [name, { summary, tags, responses }] of operations()) {
      expect([name, summary?.length ?? 0]).not.toEqual([name, 0]);
      expect([name, tags?.length]).toEqual([name, 1]);
      expect([name, Object.keys(responses).some((status) => status.startsWith('2'))]).toEqual([
        name,
        true,
      ]);
      for (const status of ['4XX', '5XX']) {
        expect([name, Object.keys(responses[status]?.content ?? {})]).toEqual([
          name,
          ['application/problem+json'],
        ]);
      }
    }
  });

  test('declares every parameter of every path', () => {
    for (const [name, { parameters = [] }] of operations()) {
      const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      const declared = parameters.filter((parameter) => parameter.in === 'path');
      expect([name, declared.map((parameter) => parameter.name)]).toEqual([name, inPath]);
    }
  });

  test('closes every body', () => {
    const bodies = operations().filter(([, { requestBody }]) => requestBody !== undefined);
    expect(bodies).toHaveLength(9);
    for (const [name, { requestBody }] of bodies) {
      const schema = requestBody?.content['application/json']?.schema;
      const forms = Object(schema) as { anyOf?: readonly unknown[] };
      expect([name, ...(forms.anyOf ?? [schema])]).toEqual([
        name,
        ...(forms.anyOf ?? [schema]).map(
          () => expect.objectContaining({ additionalProperties: false }) as unknown,
        ),
      ]);
    }
  });

  test('holds schemas that real answers fit', async () => {
    const passkey = await bench.ledger.enrolPasskey();
    const { actionId, sent: requested } = await bench.request();
    const answers = [
      ['/v1/requests', 'post', requested],
      ['/v1/actions/{id}', 'get', await bench.read(`/v1/actions/${actionId}`)],
      ['/v1/actions/{id}/review', 'get', await bench.read(`/v1/actions/${actionId}/review`)],
      [
        '/v1/decisions',
        'post',
        await bench.post('/v1/decisions', await bench.decisionOf(actionId, passkey)),
      ],
      ['/v1/actions', 'get', await bench.read('/v1/actions')],
      ['/v1/actions', 'get', await bench.read('/v1/actions?proofs=1')],
      ['/v1/actions/{id}', 'get', await bench.read(`/v1/actions/${actionId}?proofs=1`)],
      ['/v1/actions/{id}/entries', 'get', await bench.read(`/v1/actions/${actionId}/entries`)],
      ['/v1/log/consistency', 'get', await bench.read('/v1/log/consistency?from=1&to=2')],
      ['/v1/inbox', 'get', await bench.read('/v1/inbox')],
      ['/v1/ledger', 'get', await bench.send({ url: '/v1/ledger' })],
      ['/v1/trust', 'get', await bench.send({ url: '/v1/trust' })],
      ['/v1/log/entries', 'get', await bench.read('/v1/log/entries')],
      ['/v1/log/inclusion', 'get', await bench.read('/v1/log/inclusion?index=0&size=2')],
      ['/v1/session/options', 'post', await bench.post('/v1/session/options', {})],
      ['/v1/session', 'post', (await bench.signIn(passkey)).sent],
      ['/v1/inbox', 'get', await bench.send({ url: '/v1/inbox' })],
      ['/v1/requests', 'post', await bench.post('/v1/requests', {})],
    ] as const;
    for (const [path, method, { status, body }] of answers) {
      const { responses } = document.paths[path]?.[method] ?? { responses: {} };
      const response = responses[String(status)] ?? responses[`${String(status).charAt(0)}XX`];
      const [content] = Object.values(response?.content ?? {});
      expect([path, status, content === undefined]).toEqual([path, status, false]);
      const [fits, errors] = Schema.Errors(content?.schema ?? false, body);
      expect([path, status, fits, errors]).toEqual([path, status, true, []]);
    }
  });
});

describe('codes', () => {
  const codes = [...REFUSAL_CODES, ...GATEWAY_CODES];

  test('have one status each', () => {
    expect(Object.keys(STATUS_OF).sort()).toEqual([...codes].sort());
    for (const status of Object.values(STATUS_OF)) {
      expect([400, 401, 403, 404, 409, 410, 413, 415, 421, 422, 429, 500, 501, 503]).toContain(
        status,
      );
    }
  });

  test('stand in docs/http.md with that status, and no others do', async () => {
    const page = await readFile(new URL('../../../docs/http.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| (\d{3}) /gm)];
    expect(Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]))).toEqual(
      STATUS_OF,
    );
  });
});
