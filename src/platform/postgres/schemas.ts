import { sql } from 'kysely'

/** The schemas of the product: of its tables, and of its views. As SQL has a list after `in`. */
export const SCHEMAS = sql`('identifai', 'identifai_reporting')`
