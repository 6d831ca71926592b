-- Gives the schemas of identifai-sync, and all that they have, to another role, which then migrates, grants and prunes. The
-- privileges of all other roles stay. Afterwards, repeat the commands that grant as that role, so that readers can also read
-- the views of later versions. Run this as a superuser:
--   psql --dbname=identifai --set=owner=identifai_owner --file=deploy/change-owner.sql
\set ON_ERROR_STOP on
\if :{?owner}
\else
  DO $$ BEGIN RAISE EXCEPTION 'The new owner is missing: add --set=owner=identifai_owner'; END $$;
\endif

BEGIN;
WITH schemas AS (SELECT oid FROM pg_namespace WHERE nspname IN ('identifai', 'identifai_reporting')),
objects (kind, name) AS (
  SELECT 'SCHEMA', oid::regnamespace::text FROM schemas
  -- Sequences and indexes follow their tables.
  UNION ALL SELECT 'TABLE', oid::regclass::text FROM pg_class
  WHERE relnamespace IN (TABLE schemas) AND relkind IN ('r', 'p', 'v')
  UNION ALL SELECT 'TYPE', oid::regclass::text FROM pg_class WHERE relnamespace IN (TABLE schemas) AND relkind = 'c'
  UNION ALL SELECT 'ROUTINE', oid::regprocedure::text FROM pg_proc WHERE pronamespace IN (TABLE schemas)
)
SELECT format('ALTER %s %s OWNER TO %I', kind, name, :'owner') FROM objects
\gexec
COMMIT;
