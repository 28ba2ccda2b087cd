import type { JsonObject } from '@countersign/canonical';
import type { Computation, Computed } from './computation.ts';
import { DescriptorError } from './descriptor-error.ts';
import { memberTexts } from './json-member.ts';

/** Variables that decide which code runs: with one of them the file's digest no longer tells it. */
const CODE_LOADING =
  /^(?:PATH|ENV|BASH_ENV|BASH_FUNC_.*|IFS|SHELLOPTS|LD_.*|DYLD_.*|NODE_OPTIONS|NODE_PATH|PYTHON.*|PERL5.*|PERLLIB|RUBY.*|GEM_.*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|GIT_.*|SSH_ASKPASS|EDITOR|VISUAL|PAGER|GCONV_PATH|LUA_.*|PHPRC|PHP_INI_SCAN_DIR)$/;

/** More of them, which give no warning: where the value is shown, it speaks for itself. */
const CODE_LOADING_TOO =
  /^(?:HOME|SHELL|XDG_CONFIG_HOME|ZDOTDIR|PS4|PROMPT_COMMAND|LESSOPEN|LESSCLOSE|MANPAGER|BROWSER|MAKEFLAGS|MAKEFILES|GOFLAGS|RUSTC_WRAPPER|RUSTFLAGS|RSYNC_RSH|SVN_SSH|CVS_RSH|DOTNET_STARTUP_HOOKS|OPENSSL_CONF|JAVA_OPTS|MAVEN_OPTS|GRADLE_OPTS|TCLLIBPATH|R_PROFILE|R_PROFILE_USER)$/;

/** No program reads code from one that is called so: `GIT_TOKEN`, `GEM_HOST_API_KEY`. */
const CREDENTIAL_OF_LOADER = /_(?:TOKEN|KEY|PASSWORD|SECRET)$/;

/**
 * What a credential is called. Programs that read code, options or files from a variable are without number, so no list
 * names them all; the short words stand alone or follow a `_`, since `LESSKEY` is a file of commands.
 */
const CREDENTIAL =
  /(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|(?:API|ACCESS|SECRET|PRIVATE)KEY|[A-Z0-9]_PWD|(?:^|_)(?:KEY|PIN|OTP|COOKIE|SALT|DSN))$/;

/** Addresses that usually hold a password. */
const CREDENTIAL_ADDRESS = /^(?:DATABASE_URL|REDIS_URL|MONGODB_URI|AMQP_URL)$/;

/** Whether a variable may be given by digest alone: only a credential, since any other value could decide what runs. */
export function mayBeSecret(name: string): boolean {
  const upper = name.toUpperCase();
  const loadsCode = CODE_LOADING.test(upper) || CODE_LOADING_TOO.test(upper);
  if (loadsCode) return CREDENTIAL_OF_LOADER.test(upper);
  return CREDENTIAL.test(upper) || CREDENTIAL_ADDRESS.test(upper);
}

function check(params: JsonObject): void {
  const open = new Set(memberTexts(params['env'], 'name'));
  const secret = memberTexts(params['secret_env'], 'name');
  if (secret.some((name) => open.has(name))) {
    throw new DescriptorError(
      'SCHEMA_INVALID',
      '/params/secret_env: expected no name that is in /params/env too',
    );
  }
  if (!secret.every(mayBeSecret)) {
    throw new DescriptorError(
      'SCHEMA_INVALID',
      '/params/secret_env: expected names of credentials only: another value could decide what runs',
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
