import { execFileSync } from 'node:child_process';

/** What a verifier in another language makes of each vector, which it prints as lines of `name<tab>outcome`. */
export function vectorOutcomes(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Readonly<Record<string, string>> {
  const said = execFileSync(program, args, { encoding: 'utf8', env, maxBuffer: 2 ** 26 });
  const lines = said.trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => line.split('\t') as [string, string]));
}
