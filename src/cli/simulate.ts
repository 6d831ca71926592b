import { once } from 'node:events'
import { Command } from '@commander-js/extra-typings'
import { counted } from '../platform/terminal/text.ts'
import { UsageError } from '../platform/errors.ts'
import { print } from '../platform/terminal/output.ts'
import { parseInteger } from './parse.ts'

export function simulateCommand() {
  return new Command('simulate')
    .description('start a simulated identifAI API on loopback, to try the product without a key')
    .option('--port <port>', 'port on 127.0.0.1; 0 takes a free one', parseInteger(0, 65_535), 8787)
    .option('--key <key>', 'the API key it accepts', 'simulator-key')
    .option('--count <n>', 'submissions to start with', parseInteger(0, 1_000_000), 1000)
    .option('--seed <n>', 'the same seed gives the same submissions', parseInteger(0, 2 ** 31 - 1), 1)
    .option(
      '--requests-until-done <n>',
      'analyses end after at most this many requests',
      parseInteger(0, 1000),
      2,
    )
    .option('--seconds-until-done <n>', 'analyses take this long', parseInteger(0, 86_400), 0)
    .option('--quota', "enforce the API's quota: 2 requests a second, 60 a minute")
    .option('--shuffle', 'return the fields and lists of a record in another order at each request')
    .addHelpText(
      'after',
      `
Serves the two documented endpoints, and some of its own:
  GET   /api/classifications_audio
  POST  /api/classification_audio/<hash>/override
  GET   /_simulator/identifiers        all identifiers, one a line
  GET   /_simulator/truth/<identifier> the present record, without a request
  GET   /_simulator/stats              the number of requests so far
  POST  /_simulator/register           {"count": 10} or {"identifiers": ["..."]}: more submissions
  POST  /_simulator/complete           ends every analysis
  PATCH /_simulator/settings           {"shuffle": true}

Example:
  $ identifai-sync simulate --count 5000 &
  $ curl -s http://127.0.0.1:8787/_simulator/identifiers | identifai-sync enqueue -
  $ curl -s http://127.0.0.1:8787/_simulator/register -H 'content-type: application/json' -d '{"count": 10}'
  $ curl -s http://127.0.0.1:8787/api/classification_audio/<hash>/override -H 'x-api-key: simulator-key' \\
      -H 'content-type: application/json' -d '{"classification": "human"}'`,
    )
    .action(async (options) => {
      const { listenForInterrupt } = await import('../platform/interrupt.ts')
      const { startSimulator } = await import('../devkit/simulator/simulator.ts')
      using interrupt = listenForInterrupt()
      const starting = startSimulator({
        apiKey: options.key,
        port: options.port,
        quota: options.quota ? { kind: 'sliding' } : undefined,
        world: {
          seed: options.seed,
          requestsUntilDone: options.requestsUntilDone,
          millisecondsUntilDone: options.secondsUntilDone * 1000,
          shuffle: options.shuffle ?? false,
        },
      })
      await using simulator = await starting.catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw error
        throw new UsageError(
          `Port ${options.port} is in use.`,
          'Give another with --port, or 0 for a free one.',
        )
      })
      simulator.world.register({ count: options.count })
      print(`The simulated API has ${counted(options.count, 'submission')}. To use it:
  export IDENTIFAI_API_URL=${simulator.apiUrl} IDENTIFAI_API_KEY=${options.key}
Its identifiers: ${simulator.origin}/_simulator/identifiers
Ctrl-C stops it.`)
      if (!interrupt.signal.aborted) await once(interrupt.signal, 'abort')
      process.exitCode = interrupt.exitCode ?? 0
    })
}
