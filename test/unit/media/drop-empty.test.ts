import { expect, it } from 'vitest'
import { dropEmpty, isEmpty } from '../../../src/media/drop-empty.ts'

it('members that are empty are dropped at any depth, and elements keep their places', () => {
  const record = { a: null, b: [], c: {}, d: { e: { f: [] } }, g: [[], { h: null }, 0, ''], i: [[{ j: {} }]] }
  expect(dropEmpty(record)).toStrictEqual({ g: [null, null, 0, ''], i: [[null]] })
})

it('an object is empty when all of its members are', () => {
  expect([null, [], {}, { a: null, b: { c: [] } }].map(isEmpty)).toEqual([true, true, true, true])
  expect([0, '', false, [null], { a: null, b: 0 }].map(isEmpty)).toEqual([false, false, false, false, false])
})
