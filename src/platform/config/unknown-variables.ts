import { closestMatch } from 'leven'
import { VARIABLE_LINES, VARIABLES } from './variables.ts'

/**
 * Finds the variables that nothing reads. In `.env` these are all, because it is the file of this program. In the
 * environment they are those that begin like one of this program. Returns each name, with a similar one.
 */
export function unknownVariables(names: {
  readonly environment: readonly string[]
  readonly file: readonly string[]
}): string[] {
  const candidates = [
    ...names.environment.filter((name) => OWN_NAME.test(name)),
    // A variable of another program is reported only where it is almost one of this program.
    ...names.file.filter((name) => !OTHER_NAME.test(name) || similarName(name, 2) !== undefined),
  ]
  return [...new Set(candidates)]
    .filter((name) => !KNOWN_NAMES.includes(name))
    .toSorted()
    .map((name) => {
      const meant = similarName(name, Math.floor(name.length / 3))
      return meant === undefined ? name : `${name} (Did you mean ${meant}?)`
    })
}

const OWN_NAME =
  /^(SYNC|IDENTIFAI|SEAL|HTTP_READY|STATUS|FORCE_WEBHOOK|PAYLOAD_RETENTION|MAINTENANCE_DATABASE)_/

/** Variables in `.env` that other programs read: Node, the system, Docker Compose and the image of PostgreSQL. */
const OTHER_NAME =
  /^(PGDATA|NODE_.+|TZ|NO_COLOR|FORCE_COLOR|LANG|LC_.+|MALLOC_ARENA_MAX|SSL_CERT_.+|COMPOSE_.+|POSTGRES_.+)$/

const NAMES = VARIABLE_LINES.map(({ name }) => name)

const KNOWN_NAMES: readonly string[] = [
  ...NAMES,
  ...Object.entries(VARIABLES).flatMap(([name, variable]) =>
    'lowerCaseToo' in variable ? [name.toLowerCase()] : [],
  ),
]

/** @param maxDistance Letters that may be missing, added or different. */
function similarName(name: string, maxDistance: number): string | undefined {
  return closestMatch(name.toUpperCase(), NAMES, { maxDistance })
}
