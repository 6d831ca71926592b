import { Command } from '@commander-js/extra-typings'
import { print } from '../platform/terminal/output.ts'
import { invocation } from './installation.ts'

export function demoCommand() {
  return new Command('demo')
    .description('the whole job in a minute, on a throw-away PostgreSQL and a stand-in API')
    .option('--keep', 'leave both running at the end, and say how to connect')
    .addHelpText(
      'after',
      '\nNeeds no configuration, touches nothing outside its own temporary folder, and cleans up.',
    )
    .action(async (options) => {
      const { listenForInterrupt } = await import('../platform/interrupt.ts')
      const { runDemo } = await import('../devkit/demo/run-demo.ts')
      const { createDemoOutput } = await import('../devkit/demo/output.ts')
      using interrupt = listenForInterrupt()
      const { signal } = interrupt
      print('identifai-sync demo: the whole job, on this machine only.')
      try {
        await runDemo({
          signal,
          output: createDemoOutput(print),
          linger: async ({ databaseUrl, apiUrl, apiKey }) => {
            if (!options.keep) return
            print(
              [
                '\nEverything keeps running until Ctrl-C. To look around:',
                `  psql '${databaseUrl}'`,
                'To work with it from another terminal:',
                `  export DATABASE_URL='${databaseUrl}'`,
                `  export IDENTIFAI_API_URL=${apiUrl} IDENTIFAI_API_KEY=${apiKey}`,
                `  ${invocation('status')}`,
              ].join('\n'),
            )
            if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
          },
        })
      } catch (error) {
        if (!signal.aborted) throw error
      }
      if (interrupt.exitCode === undefined)
        print(`\nThat was all; nothing is left behind. To look around in it: ${invocation('demo --keep')}`)
      else {
        print('\nStopped; nothing is left behind.')
        process.exitCode = interrupt.exitCode
      }
    })
}
