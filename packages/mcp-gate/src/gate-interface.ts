import { digestOf, type Digest } from '@countersign/canonical';

/** What the gate promises about how it runs a call: another promise is another executor interface (attack row A09). */
export const GATE_INTERFACE_DIGEST: Digest = digestOf('countersign/executor/v1', {
  v: 'countersign.executor-interface.v1',
  interface: 'countersign.executor.tool-call.v1',
  server: 'compared by launch or address, name and version when the call is sent',
  tool: 'compared by the digest of its description when the call is sent',
  arguments: 'the approved text, byte for byte',
  meta: 'the progress token of the client and countersign.dev/use, nothing else',
  start: 'once, after a recorded use, not after its start_by',
});
