import { once } from 'node:events'
import { Command } from '@commander-js/extra-typings'
import { asCalled } from '../platform/called-as.ts'
import { print } from '../platform/terminal/output.ts'

export function demoCommand() {
  return new Command('demo')
    .description('run the whole job in a minute, on a temporary PostgreSQL and a simulated API')
    .option('--keep', 'keep both running at the end, and print how to connect')
    .addHelpText(
      'after',
      '\nNeeds no configuration, writes only to its own temporary folder, and removes it at the end.',
    )
    .action(async (options) => {
      const { listenForInterrupt } = await import('../platform/interrupt.ts')
      const { runDemo } = await import('../devkit/demo/run-demo.ts')
      using interrupt = listenForInterrupt()
      const { signal } = interrupt
      print('identifai-sync demo: the whole job, on this machine only.')
      try {
        await runDemo({
          signal,
          print,
          linger: async ({ databaseUrl, apiUrl, apiKey }) => {
            if (!options.keep) return
            print(`
Everything keeps running until Ctrl-C. To explore the database:
  psql '${databaseUrl}'
To run commands from another terminal:
  export DATABASE_URL='${databaseUrl}'
  export IDENTIFAI_API_URL=${apiUrl} IDENTIFAI_API_KEY=${apiKey}
  ${asCalled('identifai-sync status')}`)
            if (!signal.aborted) await once(signal, 'abort')
          },
        })
      } catch (error) {
        if (!signal.aborted) throw error
      }
      if (interrupt.exitCode === undefined)
        print(
          asCalled(
            '\nThe demo has ended and removed its files. To explore its database: identifai-sync demo --keep',
          ),
        )
      else {
        print('\nStopped. The demo has removed its files.')
        process.exitCode = interrupt.exitCode
      }
    })
}
