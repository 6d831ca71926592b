-- Creates the four roles, and prepares the current database for them. Run it as a superuser, with psql 15 or later:
--   export OWNER_PASSWORD=... JOB_PASSWORD=... ENQUEUER_PASSWORD=... READER_PASSWORD=...
--   psql --dbname=identifai --file=deploy/create-roles.sql
-- If the server has the roles, only the first four statements fail.
\getenv owner_password OWNER_PASSWORD
\getenv job_password JOB_PASSWORD
\getenv enqueuer_password ENQUEUER_PASSWORD
\getenv reader_password READER_PASSWORD

-- The owner migrates, grants and prunes.
CREATE ROLE identifai_owner LOGIN PASSWORD :'owner_password';
-- The job executes runs. It cannot change history.
CREATE ROLE identifai_sync LOGIN PASSWORD :'job_password';
-- Your application adds identifiers.
CREATE ROLE identifai_enqueuer LOGIN PASSWORD :'enqueuer_password';
-- Your BI tool reads the views.
CREATE ROLE identifai_bi LOGIN PASSWORD :'reader_password';

GRANT CREATE, TEMPORARY ON DATABASE :"DBNAME" TO identifai_owner;
-- The commands enqueue, requeue, retire and reconcile need temporary tables. By default, every role may create them.
GRANT TEMPORARY ON DATABASE :"DBNAME" TO identifai_sync;
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;

-- A large object makes pg_dump fail if the dumping role cannot read it. By default, every role may create them.
REVOKE EXECUTE ON FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea) FROM PUBLIC;

-- With these settings the views are faster (docs/bi.md). The owner may not change them.
ALTER ROLE identifai_bi IN DATABASE :"DBNAME" SET jit = off;
ALTER ROLE identifai_bi IN DATABASE :"DBNAME" SET random_page_cost = 1.1;
