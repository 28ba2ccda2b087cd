import { shellWord } from '../banner.ts';
import type { ClientOptions } from './access-options.ts';

export interface GoneOn {
  readonly program: string;
  readonly words: readonly string[];
  /** Options by their names, those of the access first; what is not there is left out. */
  readonly options: Readonly<Record<string, string | undefined>>;
}

/** The options that lead to the same ledger as the same agent. */
export function accessWords({ data, url, key, agentId, trust }: ClientOptions): GoneOn['options'] {
  return { data, url, key, 'agent-id': agentId, trust };
}

/** A line of a shell that goes on where a command was stopped. */
export function againLine({ program, words, options }: GoneOn): string {
  const named = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, shellWord(value)],
  );
  const [command = '', ...rest] = words;
  return [program, command, ...named, ...rest.map(shellWord)].join(' ');
}
