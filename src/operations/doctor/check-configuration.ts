import type { Environment, SyncConfig } from '../../platform/config/config.ts'
import { parseDaemonConfig } from '../../platform/config/daemon-config.ts'
import { ConfigurationError, EXIT_CODE } from '../../platform/errors.ts'
import { unknownVariables } from '../../platform/config/variables.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

export interface ConfigurationCheck {
  /** What the environment says; undefined when that is wrong, and nothing else can be looked at. */
  readonly config: SyncConfig | undefined
  readonly findings: Finding[]
}

/** Whether the environment says all that a pass and the daemon need, and nothing that nobody reads. */
export function checkConfiguration(environment: Environment): ConfigurationCheck {
  const unread = unknownVariables(environment).map((name) =>
    warning(
      'configuration',
      `Nothing reads ${name}.`,
      'Correct its name: identifai-sync --help has every variable.',
    ),
  )
  try {
    const config = parseDaemonConfig(environment)
    return { config, findings: [ok('configuration', `Requests go to ${config.apiUrl}.`), ...unread] }
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const wrong = error.problems.map((problem) =>
      failed('configuration', `${problem}.`, 'identifai-sync --help has every variable.', EXIT_CODE.usage),
    )
    return { config: undefined, findings: [...wrong, ...unread] }
  }
}
