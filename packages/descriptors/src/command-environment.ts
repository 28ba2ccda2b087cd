import type { JsonObject } from '@countersign/canonical';
import type { Computation, Computed } from './computation.ts';
import { DescriptorError } from './descriptor-error.ts';
import { memberTexts } from './json-member.ts';

/** Variables that decide which code runs: with one of them the file's digest no longer tells it. */
const CODE_LOADING =
  /^(?:PATH|ENV|BASH_ENV|BASH_FUNC_.*|IFS|SHELLOPTS|LD_.*|DYLD_.*|NODE_OPTIONS|NODE_PATH|PYTHON.*|PERL5.*|PERLLIB|RUBY.*|GEM_.*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|GIT_.*|SSH_ASKPASS|EDITOR|VISUAL|PAGER|GCONV_PATH|LUA_.*|PHPRC|PHP_INI_SCAN_DIR)$/;

function check(params: JsonObject): void {
  const open = new Set(memberTexts(params['env'], 'name'));
  if (memberTexts(params['secret_env'], 'name').some((name) => open.has(name))) {
    throw new DescriptorError(
      'SCHEMA_INVALID',
      '/params/secret_env: expected no name that is in /params/env too',
    );
  }
}

function compute(params: JsonObject): Computed {
  const open = memberTexts(params['env'], 'name');
  const secret = memberTexts(params['secret_env'], 'name');
  const loading = [...open, ...secret].filter((name) => CODE_LOADING.test(name));
  return {
    lines: [
      {
        label: 'Environment',
        value: `variables: ${open.length}, secret ones: ${secret.length}; nothing is inherited`,
      },
    ],
    warnings: loading.map(
      (name) => `Variable ${name}: can make the program run code that no digest here names`,
    ),
  };
}

/** The environment as a whole: how much of it there is, and what in it can load other code. */
export const COMMAND_ENVIRONMENT: Computation = { shows: [], check, compute };
