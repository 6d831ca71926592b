-- Creates the four roles, and prepares the current database for them. Run it as a superuser, with psql 15 or later:
--   export OWNER_PASSWORD=... JOB_PASSWORD=... ENQUEUER_PASSWORD=... READER_PASSWORD=...
--   psql --dbname=identifai --file=deploy/create-roles.sql
-- Roles that the server has already stay as they are, and need no password.
\set ON_ERROR_STOP on
\set owner_password ''
\set job_password ''
\set enqueuer_password ''
\set reader_password ''
\getenv owner_password OWNER_PASSWORD
\getenv job_password JOB_PASSWORD
\getenv enqueuer_password ENQUEUER_PASSWORD
\getenv reader_password READER_PASSWORD

CREATE TEMPORARY TABLE new_roles AS
SELECT * FROM (VALUES
  -- The owner migrates, grants and prunes.
  ('identifai_owner', :'owner_password', 'OWNER_PASSWORD'),
  -- The job executes runs. It cannot change history.
  ('identifai_sync', :'job_password', 'JOB_PASSWORD'),
  -- Your application adds identifiers.
  ('identifai_enqueuer', :'enqueuer_password', 'ENQUEUER_PASSWORD'),
  -- Your BI tool reads the views.
  ('identifai_bi', :'reader_password', 'READER_PASSWORD')
) AS roles (role, password, variable)
WHERE to_regrole(role) IS NULL;

SELECT format('DO %L', format('BEGIN RAISE EXCEPTION %L; END', 'No role was created. Set ' || string_agg(variable, ', ')))
FROM new_roles WHERE password = '' HAVING count(*) > 0
\gexec
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', role, password) FROM new_roles
\gexec

GRANT CREATE, TEMPORARY ON DATABASE :"DBNAME" TO identifai_owner;
-- The commands enqueue, requeue, retire and reconcile need temporary tables. By default, every role may create them.
GRANT TEMPORARY ON DATABASE :"DBNAME" TO identifai_sync;
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;

-- A large object makes pg_dump fail if the dumping role cannot read it. By default, every role may create them.
REVOKE EXECUTE ON FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea) FROM PUBLIC;

-- With these settings the views are faster (docs/bi.md). The owner may not change them.
ALTER ROLE identifai_bi IN DATABASE :"DBNAME" SET jit = off;
ALTER ROLE identifai_bi IN DATABASE :"DBNAME" SET random_page_cost = 1.1;
