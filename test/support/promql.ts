import { parser } from '@prometheus-io/lezer-promql'

/** The places of an expression that the grammar of PromQL does not allow. */
export function syntaxErrors(expression: string): string[] {
  const errors: string[] = []
  parser.parse(expression).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) errors.push(expression.slice(Math.max(0, from - 10), to + 10))
    },
  })
  return errors
}

/** The texts of all nodes of a kind, under the names of the grammar. */
export function nodesOf(kind: 'Identifier' | 'LabelName' | 'VectorSelector', expression: string): string[] {
  const found: string[] = []
  parser.parse(expression).iterate({
    enter: ({ name, from, to }) => {
      if (name === kind) found.push(expression.slice(from, to))
    },
  })
  return found
}

interface Comparison {
  readonly operator: (typeof OPERATORS)[number]
  readonly limit: number
}

const OPERATORS = ['Gtr', 'Gte', 'Lss', 'Eql'] as const

/** The last comparison of an expression, and the number on its right, such as `26 * 3600`; undefined without one. */
export function lastComparison(expression: string): Comparison | undefined {
  let last: Comparison | undefined
  parser.parse(expression).iterate({
    enter: ({ node }) => {
      const operator = OPERATORS.find((name) => node.getChild(name) !== null)
      if (operator === undefined || node.lastChild === null) return
      const factors = expression.slice(node.lastChild.from, node.lastChild.to).split('*')
      last = { operator, limit: factors.reduce((product, factor) => product * Number(factor), 1) }
    },
  })
  return last
}
