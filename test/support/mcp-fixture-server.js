// An MCP server that is no good: its tools are described as a file says at that moment, and one of them never answers.
import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import process from 'node:process';

const [marks, description] = process.argv.slice(2);

const tool = (name) => ({
  name,
  description: `${name}: ${readFileSync(description, 'utf8')}`,
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  annotations: { readOnlyHint: true },
});

function call({ name, arguments: args, _meta: meta }) {
  appendFileSync(marks, `${name} ${args.text} ${meta?.['countersign.dev/use'] ?? ''}\n`);
  if (name === 'hang') return undefined;
  return { content: [{ type: 'text', text: `did ${args.text}` }] };
}

const RESULTS = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: 'fixture', version: '1.0.0' },
  }),
  'tools/list': () => ({ tools: ['mark', 'hang'].map(tool) }),
  'tools/call': call,
  ping: () => ({}),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  const result = RESULTS[method]?.(params);
  if (id !== undefined && result !== undefined) {
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
  }
}
