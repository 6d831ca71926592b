select
    date_trunc('week', coalesce(submitted_at, first_observed_at) at time zone 'UTC')::date as week,
    coalesce(source, '(not given)') as source,
    count(*) as identifiers,
    count(*) filter (where submitted_at is null) as identifiers_without_time,
    count(distinct file_hash) as files,
    count(*) filter (where effective_classification = 'artificial') as artificial_identifiers,
    avg((effective_classification = 'artificial')::integer)::double precision as artificial_share,
    count(*) filter (where is_forced) as forced_identifiers
from {{ ref('int_identifai__classifications') }}
where effective_classification is not null
group by 1, 2
