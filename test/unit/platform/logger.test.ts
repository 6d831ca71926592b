import { stripVTControlCharacters } from 'node:util'
import { expect, it, vi } from 'vitest'
import { createLogger } from '../../../src/platform/logger.ts'

it('the log has neither keys nor connection strings, also where an error or a configuration carries them', () => {
  const log: string[] = []
  const logger = createLogger({
    level: 'debug',
    terminal: false,
    destination: { write: (line) => log.push(line) },
  })
  const databaseUrl = 'postgresql://job:secret@db.example/identifai'
  const config = { apiKey: 'secret', databaseUrl }
  const err = Object.assign(new Error('connection lost'), {
    code: 'ECONNRESET',
    client: { databaseUrl },
    config,
  })
  logger.error({ err }, 'run failed')
  logger.child({ config }).error({ ...config, headers: { 'x-api-key': 'secret' } }, 'run failed')
  expect(log).toHaveLength(2)
  expect(log.join()).not.toContain('secret')
  expect(log[0]).toContain('ECONNRESET')
  expect(log[1]).toContain('[redacted]')
})

it.each([
  ['has problems only', 'info', false, ['error: run failed']],
  [
    'has normal runs, too, for a command without a result',
    'info',
    true,
    ['run started', 'error: run failed'],
  ],
  ['has all of a lower level', 'debug', false, ['run started', 'error: run failed']],
] as const)('the log on a terminal %s', (_, level, narrates, expected) => {
  let shown = ''
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    shown += String(text)
    return true
  })
  const logger = createLogger({ level, terminal: true, narrates })
  logger.info('run started')
  logger.error('run failed')
  write.mockRestore()
  expect(stripVTControlCharacters(shown).match(/\w.*/g)).toEqual(expected)
})
