import { expect, it } from 'vitest'
import {
  ApiKeyRefusedError,
  CircuitBrokenError,
  DatabaseError,
  exitCodeOf,
  ReportRefusedError,
  ThrottledError,
  UsageError,
} from '../../../src/platform/errors.ts'

it.each([
  [new TypeError('x is not a function'), 1],
  ['a text', 1],
  [new UsageError('problem.', 'remedy.'), 2],
  [new ApiKeyRefusedError('problem.', 'remedy.'), 4],
  [new DatabaseError('problem.', 'remedy.'), 5],
  [new ReportRefusedError('problem.', 'remedy.'), 6],
  [new CircuitBrokenError('problem.', 'remedy.'), 7],
  [new ThrottledError('too many requests', undefined), 7],
])('%s ends the process with the documented exit code %d', (error, exitCode) => {
  expect(exitCodeOf(error)).toBe(exitCode)
})
