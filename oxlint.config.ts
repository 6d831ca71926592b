import { defineConfig, type OxlintOverride } from 'oxlint'

type Rule = { readonly group: string[]; readonly message: string; readonly allowTypeImports?: boolean }

/** The rooms of `src`, from top to bottom. Rooms on one line do not know each other. */
const ROOMS = [
  ['main.ts'],
  ['cli'],
  ['operations', 'devkit'],
  ['compliance'],
  ['app.ts'],
  ['pipeline'],
  ['media'],
  ['platform'],
]

/** The stages in `src/pipeline`, from top to bottom. */
const STAGES = [['replay'], ['run'], ['load', 'plan'], ['seal'], ['api', 'queue']]

const PURE: Rule = {
  group: [
    'pino',
    'pg',
    'pg-*',
    'kysely',
    'undici',
    'p-retry',
    'node:{fs,net,http,os,process,timers}',
    'node:*/promises',
  ],
  allowTypeImports: true,
  message:
    'This code is pure: no clock, random, process, network, log or database. Pass the value in (ARCHITECTURE.md).',
}

const PURE_GLOBALS = ['fetch', 'process', 'setTimeout', 'setInterval', 'performance'].map((name) => ({
  name,
  message: PURE.message,
}))

const PURE_PROPERTIES = [
  { object: 'Date', property: 'now', message: PURE.message },
  { object: 'Math', property: 'random', message: PURE.message },
]

/** The import paths of a room, which is a folder or one file. */
function patternOf(room: string): string {
  return room.endsWith('.ts') ? `**/${room}` : `**/${room}/**`
}

/** For each room, the rule that it imports only from itself and from below. */
function downward(floors: readonly (readonly string[])[]): [room: string, rule: Rule][] {
  return floors.flatMap((rooms, floor) =>
    rooms.map((room): [string, Rule] => {
      const barred = [...floors.slice(0, floor).flat(), ...rooms.filter((other) => other !== room)]
      return [
        room,
        {
          group: barred.map(patternOf),
          message: `Imports go down only: ${room} does not know ${barred.join(', ')} (ARCHITECTURE.md).`,
        },
      ]
    }),
  )
}

function override(files: string, rules: readonly Rule[]): OxlintOverride {
  const patterns = rules.filter(({ group }) => group.length > 0)
  const isPure = rules.includes(PURE)
  return {
    files: [files],
    rules: {
      'no-restricted-imports': ['error', { patterns }],
      'no-restricted-globals': isPure ? ['error', ...PURE_GLOBALS] : 'off',
      'no-restricted-properties': isPure ? ['error', ...PURE_PROPERTIES] : 'off',
    },
  }
}

const rooms = new Map(downward(ROOMS))
const stages = new Map(downward(STAGES))
const ruleOf = (rules: Map<string, Rule>, name: string) => rules.get(name) as Rule
const pathOf = (room: string) => (room.endsWith('.ts') ? `src/${room}` : `src/${room}/**`)

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise'],
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-default-export': 'error',
    'promise/always-return': 'off',
    'promise/no-callback-in-promise': 'off',
    'import/no-named-as-default-member': 'off',
    'typescript/consistent-return': 'off',
    'oxc/no-async-endpoint-handlers': 'off',
    'no-var': 'error',
    'prefer-const': 'error',
    eqeqeq: ['error', 'always', { null: 'ignore' }],
  },
  ignorePatterns: ['dist', 'node_modules'],
  overrides: [
    ...[...rooms].map(([room, rule]) => override(pathOf(room), [rule])),
    ...[...stages].map(([stage, rule]) =>
      override(`src/pipeline/${stage}/**`, [ruleOf(rooms, 'pipeline'), rule]),
    ),
    override('src/pipeline/run/rules/**', [ruleOf(rooms, 'pipeline'), ruleOf(stages, 'run'), PURE]),
    override('src/media/**', [ruleOf(rooms, 'media'), PURE]),
    override('src/compliance/report/**', [ruleOf(rooms, 'compliance'), PURE]),
    override('src/compliance/report/read/**', [ruleOf(rooms, 'compliance')]),
    override('src/devkit/simulator/**', [
      {
        group: [...ROOMS.flat(), 'embedded-postgres', 'demo'].map(patternOf),
        message: 'The simulator is an independent witness, so it imports no product code.',
      },
    ]),
    override('migrations/**', [
      { group: ['**/src/**'], message: 'Migrations import nothing that can change later.' },
    ]),
    { files: ['test/**'], rules: { 'unicorn/consistent-function-scoping': 'off' } },
    {
      files: ['*.config.{ts,mjs}', 'test/support/{global,citus}-setup.ts'],
      rules: { 'import/no-default-export': 'off' },
    },
  ],
})
