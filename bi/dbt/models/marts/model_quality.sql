select
    results.model,
    date_trunc('month', coalesce(c.submitted_at, c.first_observed_at) at time zone 'UTC')::date as month,
    count(*) as results,
    count(*) filter (where results.abstained) as abstained_results,
    avg(results.abstained::integer)::double precision as abstained_share,
    avg(results.artificial_score) as mean_artificial_score,
    count(results.top_label = c.effective_classification) as compared_results,
    avg((results.top_label = c.effective_classification)::integer)::double precision as agreement_share,
    count(results.top_label = c.force_classification) filter (where c.is_forced) as compared_with_forced,
    avg((results.top_label = c.force_classification)::integer) filter (where c.is_forced)::double precision
        as agreement_with_forced_share
from {{ ref('stg_identifai__file_model_results') }} as results
inner join {{ ref('int_identifai__classifications') }} as c using (classification_id)
where results.model is not null
group by 1, 2
