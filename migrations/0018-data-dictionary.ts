import type { Kysely } from 'kysely'
import { createView, dropView } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'data_dictionary', {
    about:
      'What every column of these views means. It is made of the comments on them, which many tools show, too.',
    grain: 'column of a view of this schema',
    columns: {
      view_name: { is: 'The view.' },
      view_description: { is: 'What the view is for, and which trap it avoids.' },
      grain: { is: 'What one row of the view stands for.' },
      column_no: { is: 'Position of the column in the view, from 1.' },
      column_name: { is: 'The column.' },
      data_type: { is: 'Its type in PostgreSQL.' },
      description: { is: 'What it holds.' },
      joins_to: { is: 'Column of another view that it leads to.', null: 'it leads nowhere' },
      null_means: { is: 'What it means when it is null.', null: 'it is never null' },
    },
    // The comments are written by one hand (with-comments.ts), in one order.
    query: `
      select
        view.relname::text,
        regexp_replace(obj_description(view.oid, 'pg_class'), ' One row per [^.]*\\.$', ''),
        substring(obj_description(view.oid, 'pg_class') from ' One row per ([^.]*)\\.$'),
        a.attnum::integer, a.attname::text, format_type(a.atttypid, a.atttypmod),
        regexp_replace(col_description(view.oid, a.attnum), '( Joins: .*| Null: .*)$', ''),
        substring(col_description(view.oid, a.attnum) from ' Joins: (.*?)\\.( Null: .*)?$'),
        substring(col_description(view.oid, a.attnum) from ' Null: (.*)\\.$')
      from pg_catalog.pg_class as view
      join pg_catalog.pg_namespace as s on s.oid = view.relnamespace and s.nspname = 'identifai_reporting'
      join pg_catalog.pg_attribute as a on a.attrelid = view.oid and a.attnum > 0 and not a.attisdropped
      where view.relkind = 'v'`,
  })
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropView(db, 'data_dictionary')
}
