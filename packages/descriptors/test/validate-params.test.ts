import type { Json, JsonObject } from '@countersign/canonical';
import { describe, expect, test } from 'vitest';
import { DescriptorError, loadDescriptor, validateParams, type Action } from '../src/index.ts';
import {
  action,
  AUTHORITY_PARAMS,
  builtin,
  codeOf,
  command,
  COMMAND_PARAMS,
  digest,
  envelope,
  policyChange,
  POLICY_PARAMS,
} from './example-action.ts';

const PAYMENT = loadDescriptor({
  v: 'countersign.descriptor.v1',
  type: 'test.payment',
  type_version: 1,
  title: 'Pay',
  reversibility: 'irreversible',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['amount'],
    properties: { amount: { type: 'string', format: 'money' } },
  },
  fields: { '/params/amount': { class: 'executed' } },
  template: [{ label: 'Amount', text: [{ field: '/params/amount' }] }],
  claims: [],
  not_covered: ['What the bank does.'],
  executor_contract: { interface: 'test.v1', preconditions: [], record: 'nowhere' },
});

const CREDENTIALS = words(`
  DB_PASSWORD GIT_TOKEN GEM_HOST_API_KEY TOKEN npm_config_token apiKey PGPASSWORD MYSQL_PWD DB_PASSWD
  AWS_SECRET_ACCESS_KEY GPG_PASSPHRASE CARD_PIN LOGIN_OTP GOOGLE_APPLICATION_CREDENTIALS CREDENTIAL
  RELEASE_COOKIE HASH_SALT SENTRY_DSN DSN DATABASE_URL REDIS_URL MONGODB_URI AMQP_URL key
`);

/** From the manuals of shells, compilers, package managers, language runtimes and clients. */
const NOT_SECRET = words(`
  PATH BASH_ENV ENV PERL5OPT PERL5LIB PERL5DB PERLLIB PYTHONSTARTUP PYTHONPATH PYTHONHOME
  PYTHONBREAKPOINT PYTHONINSPECT PYTHONWARNINGS PYTHONUSERBASE PYTHONEXECUTABLE PYTHONPLATLIBDIR
  PYTHONCASEOK PYTHONPYCACHEPREFIX RUBYOPT RUBYLIB GEM_HOME GEM_PATH BUNDLE_GEMFILE LD_PRELOAD
  LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES IFS GCONV_PATH LOCPATH NLSPATH JAVA_TOOL_OPTIONS
  _JAVA_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTS JAVA_HOME CLASSPATH MAVEN_OPTS MAVEN_ARGS GRADLE_OPTS
  ANT_OPTS SBT_OPTS GIT_SSH GIT_SSH_COMMAND GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0
  GIT_CONFIG_PARAMETERS GIT_CONFIG_GLOBAL GIT_ASKPASS GIT_EDITOR GIT_PAGER GIT_EXTERNAL_DIFF
  GIT_EXEC_PATH GIT_PROXY_COMMAND GIT_TEMPLATE_DIR GIT_DIR GIT_SEQUENCE_EDITOR NODE_OPTIONS
  NODE_PATH NODE_REPL_EXTERNAL_MODULE NODE_EXTRA_CA_CERTS EDITOR VISUAL PAGER MANPAGER LESSOPEN
  LESSCLOSE LESS SSH_ASKPASS SUDO_ASKPASS SUDO_EDITOR SHELL PROMPT_COMMAND PS4 PS1 SHELLOPTS
  BASHOPTS LUA_INIT LUA_PATH LUA_CPATH LUA_INIT_5_4 GOFLAGS GOPATH GOROOT GOTOOLCHAIN
  RUSTC_WRAPPER RUSTC RUSTFLAGS CARGO_HOME CARGO_BUILD_RUSTC npm_config_script_shell
  NPM_CONFIG_USERCONFIG npm_config_node_options MAKEFLAGS MAKEFILES GNUMAKEFLAGS PHPRC
  PHP_INI_SCAN_DIR DOTNET_STARTUP_HOOKS COR_PROFILER CORECLR_PROFILER COMPLUS_Version KUBECONFIG
  AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE DOCKER_HOST DOCKER_CONFIG HOME XDG_CONFIG_HOME
  XDG_DATA_DIRS TERMINFO TERMCAP OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES GLIBC_TUNABLES
  R_PROFILE R_PROFILE_USER R_HOME R_LIBS R_ENVIRON JULIA_LOAD_PATH JULIA_DEPOT_PATH ERL_FLAGS
  ERL_AFLAGS ERL_ZFLAGS ERL_LIBS ELIXIR_ERL_OPTIONS TCLLIBPATH CONFIG_SITE ZDOTDIR FPATH CDPATH
  INPUTRC TMPDIR CC CXX LD AR CFLAGS LDFLAGS VIMINIT EXINIT GVIMINIT MYVIMRC EMACSLOADPATH
  PGSERVICEFILE PSQLRC PSQL_EDITOR ODBCINI SSL_CERT_FILE HTTPS_PROXY QT_PLUGIN_PATH GTK_MODULES
  GTK_PATH GIO_EXTRA_MODULES GST_PLUGIN_PATH VK_ICD_FILENAMES LIBGL_DRIVERS_PATH BROWSER GDB
  GDBINIT RSYNC_RSH RSYNC_CONNECT_PROG CVS_RSH SVN_SSH HGRCPATH HGEDITOR FCEDIT HISTFILE
  BASH_LOADABLES_PATH MAIL MAILCAPS GNUPGHOME ANSIBLE_CONFIG ANSIBLE_LIBRARY TF_CLI_CONFIG_FILE
  TF_CLI_ARGS TF_PLUGIN_CACHE_DIR TERRAFORM_CONFIG CURL_HOME WGETRC TAR_OPTIONS TAPE RSH ZIPOPT
  UNZIP GREP_OPTIONS XDG_CONFIG_DIRS PKG_CONFIG_PATH CMAKE_TOOLCHAIN_FILE CMAKE_PREFIX_PATH
  DENO_DIR BUN_CONFIG_PRELOAD TS_NODE_COMPILER ELECTRON_RUN_AS_NODE NODE_V8_COVERAGE MYSQL_HOME
  LIBRARY_PATH SNAP GUILE_LOAD_PATH SBCL_HOME CLASSPATH_PREFIX JRUBY_OPTS JYTHONPATH GROOVY_OPTS
  SCALA_OPTS KOTLIN_OPTS CATALINA_OPTS JVM_OPTS HADOOP_OPTS PYTEST_ADDOPTS PYTEST_PLUGINS
  PIP_INDEX_URL PIP_CONFIG_FILE UV_INDEX VIRTUAL_ENV POETRY_HOME RUBYSHELL RAKEOPT SYSTEMD_EDITOR
  FZF_DEFAULT_COMMAND HELM_PLUGINS KUBE_EDITOR KUBECTL_EXTERNAL_DIFF POSIXLY_CORRECT BASH_XTRACEFD
  FIGNORE AWKPATH AWKLIBPATH XMODIFIERS PERL5SHELL PERLIO_DEBUG PERL_UNICODE PERL_HASH_SEED
  LESSKEY LESSKEYIN GLOBIGNORE BASH_COMPAT MALLOC_CHECK_ RES_OPTIONS HOSTALIASES LOCALDOMAIN
  RESOLV_HOST_CONF GETCONF_DIR TZDIR ORACLE_HOME TNS_ADMIN SQLITE_HISTORY COMPOSER_HOME
  _PYTHON_SYSCONFIGDATA_NAME __PYVENV_LAUNCHER__ PYTHONSAFEPATH PYTHONOPTIMIZE ld_preload Path PWD
  OLDPWD _PWD API_PATH KEY_FILE TOKEN_FILE NO_PROXY MONKEY SPIN MY_DATABASE_URL DATABASE_URL_
  TOKENS KEYS
`);

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

function validate(given: Action): string {
  return codeOf(() => {
    validateParams(builtin(given.envelope.type), given);
  });
}

function pay(amount: Json): string {
  return codeOf(() => {
    validateParams(PAYMENT, action(envelope('test.payment', { amount })));
  });
}

function withTarget(change: JsonObject): string {
  return validate(
    policyChange({ target: { ...(POLICY_PARAMS['target'] as JsonObject), ...change } }),
  );
}

describe('validateParams', () => {
  test('takes the examples', () => {
    expect(validate(command())).toBe('accepted');
    expect(validate(policyChange({}))).toBe('accepted');
    expect(validate(action(envelope('authority.change', AUTHORITY_PARAMS)))).toBe('accepted');
  });

  test.each(['0', '10', '10.5', '18250.40', '999999999999999.9999'])('B03: takes %s', (amount) => {
    expect(pay(amount)).toBe('accepted');
  });

  test.each([
    ...[
      '1,000',
      '1.000,00',
      '1.00000',
      ' 10 ',
      '10 ',
      '١٠',
      '１０',
      '1e3',
      '+10',
      '-10',
      '0010',
      '00',
    ],
    ...['', '.5', '5.', '0x10', '1_000', 'NaN', '1000000000000000', '10\n', '10\u200B'],
  ])('B03: refuses %j as an amount', (amount) => {
    expect(pay(amount)).toBe('MONEY_FORMAT');
  });

  test('B03: an amount is a text', () => {
    expect(pay(10)).toBe('SCHEMA_INVALID');
  });

  test('refuses an action of another type or version', () => {
    const other = action({ ...envelope('generic.command', COMMAND_PARAMS), type_version: 2 });
    expect(validate(other)).toBe('UNKNOWN_TYPE');
    expect(
      codeOf(() => {
        validateParams(PAYMENT, command());
      }),
    ).toBe('UNKNOWN_TYPE');
  });

  test('B12: an unknown member, at each level', () => {
    expect(validate(command({ urgent: true }))).toBe('UNKNOWN_MEMBER');
    const executable = { path: '/bin/ls', digest: digest('aa'), urgent: true };
    expect(validate(command({ executable }))).toBe('UNKNOWN_MEMBER');
    expect(validate(command({ stdin: { kind: 'empty', digest: digest('aa') } }))).toBe(
      'UNKNOWN_MEMBER',
    );
    expect(validate(command({ env: [{ name: 'A', value: '', urgent: true }] }))).toBe(
      'UNKNOWN_MEMBER',
    );
  });

  test.each(['value', 'salt'])('H09: a secret variable has no place for its %s', (name) => {
    const secret = { name: 'DB_PASSWORD', digest: digest('cc'), [name]: 'hunter2' };
    expect(validate(command({ secret_env: [secret] }))).toBe('UNKNOWN_MEMBER');
  });

  test.each(['LD_PRELOAD', 'TAR_OPTIONS', 'npm_config_script_shell', 'ld_preload', 'GIT_PIN'])(
    'A01: %s can decide what runs, so its value cannot be hidden',
    (name) => {
      const secret = { name, digest: digest('cc') };
      expect(validate(command({ secret_env: [secret] }))).toBe('SCHEMA_INVALID');
      expect(validate(command({ env: [{ name, value: 'shown' }] }))).toBe('accepted');
    },
  );

  test('A01: no variable by which programs find code, options or hosts may be a secret', () => {
    const hidden = (name: string): string =>
      validate(command({ secret_env: [{ name, digest: digest('cc') }] }));
    expect(NOT_SECRET.filter((name) => hidden(name) !== 'SCHEMA_INVALID')).toEqual([]);
  });

  test.each(CREDENTIALS)('%s may be a secret', (name) => {
    expect(validate(command({ secret_env: [{ name, digest: digest('cc') }] }))).toBe('accepted');
  });

  test('H09: no message repeats a value, nor an odd name', () => {
    const secret = 'hunter2 is the secret';
    const wrong: JsonObject[] = [
      { cwd: secret },
      { timeout_s: secret },
      { stdin: { kind: secret } },
      { [secret]: 1 },
      { executable: { path: '/bin/ls', digest: secret } },
      { env: [{ name: secret, value: '' }] },
      { argv: secret },
      { purpose: secret.repeat(100) },
    ];
    for (const change of wrong) {
      try {
        validateParams(builtin('generic.command'), command(change));
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(DescriptorError);
        expect(String(error)).not.toContain('hunter2');
      }
    }
  });

  test.each([
    'ls',
    './ls',
    '../ls',
    '~/ls',
    '/opt/../bin/ls',
    '/opt/./ls',
    '/opt//ls',
    '/opt/',
    '',
  ])('A10: the path %j is not resolved', (path) => {
    expect(validate(command({ cwd: path }))).toBe('UNRESOLVED_REFERENCE');
    const executable = { path, digest: digest('aa') };
    expect(validate(command({ executable }))).toBe('UNRESOLVED_REFERENCE');
  });

  test('takes the root, and a path with spaces and other letters', () => {
    expect(validate(command({ cwd: '/' }))).toBe('accepted');
    expect(validate(command({ cwd: '/home/иван/my files' }))).toBe('accepted');
    expect(validate(command({ cwd: '/home/\u202Efiles' }))).toBe('UNSAFE_TEXT');
  });

  test.each([
    ['a wildcard', 'arn:aws:iam::111122223333:policy/*'],
    ['a question mark', 'arn:aws:iam::111122223333:policy/deploy-agen?'],
    ['a variable', 'arn:aws:iam::111122223333:policy/${aws:username}'],
    ['a bare name', 'deploy-agent'],
    ['another account', 'arn:aws:iam::999900001111:policy/deploy-agent'],
    ['the account of AWS', 'arn:aws:iam::aws:policy/AdministratorAccess'],
    ['no account', 'arn:aws:iam:::policy/deploy-agent'],
    ['too few parts', 'arn:aws:iam::111122223333'],
  ])('A10: a target with %s', (_, ref) => {
    expect(withTarget({ ref })).toBe('UNRESOLVED_REFERENCE');
  });

  test('A10: a bucket has no account in its ARN', () => {
    const ref = 'arn:aws:s3:::prod-artifacts';
    expect(withTarget({ kind: 'resource-policy', ref })).toBe('accepted');
  });

  test('A10: an inline policy is told by its name too', () => {
    const ref = 'arn:aws:iam::111122223333:role/deploy-agent';
    expect(withTarget({ kind: 'inline-policy', ref })).toBe('UNRESOLVED_REFERENCE');
    expect(withTarget({ kind: 'inline-policy', ref, policy_name: 'deploy' })).toBe('accepted');
    expect(withTarget({ policy_name: 'deploy' })).toBe('UNRESOLVED_REFERENCE');
  });

  test.each(['latest', 'LATEST', '$LATEST', 'default', 'AWSCURRENT', 'app:latest', 'main', 'v*'])(
    'A10: the version %s moves',
    (version) => {
      expect(withTarget({ current_version: version })).toBe('UNRESOLVED_REFERENCE');
      expect(validate(policyChange({ rollback_version: version }))).toBe('UNRESOLVED_REFERENCE');
    },
  );

  test('B06, B07: a hidden character or a mix of scripts in an identifier', () => {
    const target = { kind: 'inline-policy', ref: 'arn:aws:iam::111122223333:role/x' };
    expect(withTarget({ ...target, policy_name: 'depl\u043Ey' })).toBe('UNSAFE_TEXT');
    expect(withTarget({ ...target, policy_name: 'deploy\u200D' })).toBe('UNSAFE_TEXT');
    expect(withTarget({ ref: 'arn:aws:iam::111122223333:policy/depl\u043Ey' })).toBe('UNSAFE_TEXT');
  });

  test('B09: each field has its cap', () => {
    expect(validate(command({ purpose: 'x'.repeat(500) }))).toBe('accepted');
    expect(validate(command({ purpose: 'x'.repeat(501) }))).toBe('LIMIT_EXCEEDED');
    expect(validate(command({ purpose: '😀'.repeat(500) }))).toBe('accepted');
    expect(validate(command({ argv: Array.from({ length: 257 }, () => 'a') }))).toBe(
      'LIMIT_EXCEEDED',
    );
    expect(validate(command({ argv: [] }))).toBe('SCHEMA_INVALID');
  });

  test('the environment names each variable once, in order', () => {
    const named = (...names: string[]): Json => names.map((name) => ({ name, value: '' }));
    expect(validate(command({ env: named('A', 'B') }))).toBe('accepted');
    expect(validate(command({ env: named('B', 'A') }))).toBe('SCHEMA_INVALID');
    expect(validate(command({ env: named('A', 'A') }))).toBe('SCHEMA_INVALID');
    expect(validate(command({ env: named('DB_PASSWORD') }))).toBe('SCHEMA_INVALID');
    expect(validate(command({ env: named('A=B') }))).toBe('SCHEMA_INVALID');
  });

  test('preconditions are those of the contract, each once', () => {
    const names = (...given: string[]): string =>
      validate(
        action({
          ...envelope('iam.policy.change', POLICY_PARAMS),
          preconditions: given.map((name) => ({ name, digest: digest('55') })),
        }),
      );
    expect(names('policy.before', 'policy.version', 'attachments')).toBe('accepted');
    expect(names('attachments', 'policy.before', 'policy.version')).toBe('accepted');
    expect(names('policy.version', 'attachments')).toBe('SCHEMA_INVALID');
    // attached_principals are in the params, and nothing would check them.
    expect(names('policy.before', 'policy.version')).toBe('SCHEMA_INVALID');
    expect(names('policy.before', 'policy.before', 'policy.version', 'attachments')).toBe(
      'SCHEMA_INVALID',
    );
    expect(names('policy.before', 'policy.version', 'attachments', 'moon.phase')).toBe(
      'SCHEMA_INVALID',
    );
  });

  test.each([
    ['no JSON', '{', 'SCHEMA_INVALID'],
    ['a name twice', '{"Statement":[],"Statement":[]}', 'SCHEMA_INVALID'],
    ['a name twice by an escape', '{"Statement":[],"Stat\\u0065ment":[]}', 'SCHEMA_INVALID'],
    ['no statement', '{"Version":"2012-10-17"}', 'SCHEMA_INVALID'],
    ['a language of another year', '{"Version":"2026-01-01","Statement":[]}', 'SCHEMA_INVALID'],
    ['no effect', '{"Statement":{"Action":"*","Resource":"*"}}', 'SCHEMA_INVALID'],
    [
      'an effect in lower case',
      '{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}',
      'SCHEMA_INVALID',
    ],
    ['no action', '{"Statement":{"Effect":"Allow","Resource":"*"}}', 'SCHEMA_INVALID'],
    [
      'an empty list',
      '{"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}}',
      'SCHEMA_INVALID',
    ],
    [
      'Action and NotAction',
      '{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}',
      'SCHEMA_INVALID',
    ],
    ['nobody', '{"Statement":{"Effect":"Allow","Action":"*","Principal":{}}}', 'SCHEMA_INVALID'],
    [
      'no one but nobody',
      '{"Statement":{"Effect":"Deny","Action":"*","NotPrincipal":{}}}',
      'SCHEMA_INVALID',
    ],
    [
      'an odd action',
      '{"Statement":{"Effect":"Allow","Action":"s3:Get on *","Resource":"*"}}',
      'SCHEMA_INVALID',
    ],
    [
      'an unknown element',
      '{"Statement":{"Effect":"Allow","action":"*","Action":"s3:Get","Resource":"*"}}',
      'UNRENDERABLE',
    ],
    [
      'an unknown principal',
      '{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Friend":"x"}}}',
      'UNRENDERABLE',
    ],
    ['more than 12,288 bytes', `{"Statement":[],"Id":"${'é'.repeat(6200)}"}`, 'LIMIT_EXCEEDED'],
  ])('E05: a document with %s', (_, after, code) => {
    expect(validate(policyChange({ after }))).toBe(code);
    expect(validate(policyChange({ before: after }))).toBe(code);
  });
});
